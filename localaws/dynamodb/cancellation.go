package dynamodb

import (
	"encoding/json"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// cancellation holds what is wrong with each of a transaction's actions, or
// nil.
type cancellation []*cancellationReason

type cancellationReason struct {
	Code    string
	Message string          `json:",omitempty"`
	Item    json.RawMessage `json:",omitzero"`
}

func invalidReason(err error) *cancellationReason {
	return &cancellationReason{Code: "ValidationError", Message: messageOf(err)}
}

func failedReason(e *effect) *cancellationReason {
	reason := &cancellationReason{Code: "ConditionalCheckFailed", Message: conditionFailedText}
	if e.action.oldOnFailure {
		reason.Item = e.old.json()
	}
	return reason
}

func (c cancellation) err() error {
	reasons := make([]cancellationReason, len(c))
	codes := make([]string, len(c))
	wrong := false
	for i, reason := range c {
		reasons[i].Code = "None"
		if reason != nil {
			reasons[i], wrong = *reason, true
		}
		codes[i] = reasons[i].Code
	}
	if !wrong {
		return nil
	}
	text := "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]"
	canceled := wire.Errorf("TransactionCanceledException", "%s", text)
	// Unlike most errors, this one has its message in "Message".
	canceled.Fields = map[string]any{"Message": text, "CancellationReasons": reasons}
	return canceled
}
