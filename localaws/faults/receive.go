package faults

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// queues changes a message that was just received. Each method reports whether it could.
type queues interface {
	Duplicate(queueURL, handle string) (bool, error)
	Withhold(queueURL, handle string, d time.Duration) (bool, error)
	Expire(queueURL, handle string, after time.Duration) (bool, error)
}

// handOut draws faults for an answer to ReceiveMessage.
func (in *Injector) handOut(call Call, request []byte, rec *recorder) {
	var received struct {
		QueueURL string `json:"QueueUrl"`
	}
	var answer struct{ Messages []json.RawMessage }
	if rec.status != http.StatusOK || json.Unmarshal(request, &received) != nil || json.Unmarshal(rec.body.Bytes(), &answer) != nil {
		return
	}
	kept := make([]json.RawMessage, 0, len(answer.Messages))
	for _, raw := range answer.Messages {
		var m struct{ ReceiptHandle string }
		if json.Unmarshal(raw, &m) == nil && in.strikeMessage(call, received.QueueURL, m.ReceiptHandle) {
			continue
		}
		kept = append(kept, raw)
	}
	if len(kept) == len(answer.Messages) {
		return
	}
	answered := map[string]any{}
	if len(kept) > 0 {
		answered["Messages"] = kept
	}
	if body, err := json.Marshal(answered); err == nil {
		rec.header.Set("Content-Length", strconv.Itoa(len(body)))
		rec.header.Del("X-Amz-Crc32")
		rec.body.Reset()
		_, _ = rec.body.Write(body)
	}
}

// strikeMessage draws and applies a message's fault. withheld means that the client must not
// see it now.
func (in *Injector) strikeMessage(call Call, queueURL, handle string) (withheld bool) {
	i, kind, after := in.drawMessage(call)
	var done bool
	var err error
	switch kind {
	case Duplicate:
		done, err = in.queues.Duplicate(queueURL, handle)
	case Reorder:
		done, err = in.queues.Withhold(queueURL, handle, after)
	case Expire:
		done, err = in.queues.Expire(queueURL, handle, after)
	default:
		return false
	}
	done = done && err == nil
	in.recordMessage(call, i, kind, done)
	return done && kind == Reorder
}

func (in *Injector) drawMessage(call Call) (rule int, kind Kind, after time.Duration) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for i, r := range in.plan.Rules {
		if !r.Kind.ofMessages() {
			continue
		}
		struck, _, when := in.dice[i].roll(r)
		if struck && kind == "" {
			rule, kind, after = i, r.Kind, when
			in.dice[i].struck++
		}
	}
	return rule, kind, after
}

// recordMessage counts the fault. If it could not be applied, as in a FIFO queue or to a
// message withheld before, the rule may strike another message.
func (in *Injector) recordMessage(call Call, rule int, kind Kind, done bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case done:
		in.counts.fault(call, kind)
	case rule < len(in.dice):
		in.dice[rule].struck--
	}
}

// OldReceipt draws whether a standard queue ignores an old receipt handle, and counts either
// result.
func (in *Injector) OldReceipt(operation string) (ignored bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	call := Call{Service: "sqs", Operation: operation}
	for i, r := range in.plan.Rules {
		if r.Kind != Stale || !r.matches(call.Service, operation) {
			continue
		}
		if struck, _, _ := in.dice[i].roll(r); struck && !ignored {
			in.dice[i].struck++
			ignored = true
		}
	}
	if ignored {
		in.counts.fault(call, Stale)
	} else {
		in.counts.fault(call, Obeyed)
	}
	return ignored
}
