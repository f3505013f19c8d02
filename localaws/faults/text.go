package faults

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Parse parses and checks a plan: rules and a seed, separated by semicolons. The last seed
// counts.
//
//	seed=7; sqs.SendMessage:lost,rate=0.1; dynamodb:error=throttling,latency=5ms-50ms,times=3
//
// A rule is service.operation or only a service, a colon, the kind, and optionally rate,
// latency and times. Some kinds have a value: latency=50ms, error=throttling, late=2s,
// reorder=500ms, expire=1s.
func Parse(text string) (Plan, error) {
	var p Plan
	var faults []error
	for item := range strings.SplitSeq(text, ";") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		var err error
		if seed, ok := strings.CutPrefix(item, "seed="); ok {
			if p.Seed, err = strconv.ParseUint(seed, 10, 64); err != nil {
				err = errors.New("want a whole number, 0 or above")
			}
		} else {
			var r Rule
			if r, err = parseRule(item); err == nil {
				err = r.check()
			}
			p.Rules = append(p.Rules, r)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("fault %q: %w", item, err))
		}
	}
	return p, errors.Join(faults...)
}

func parseRule(text string) (r Rule, err error) {
	where, what, ok := strings.Cut(text, ":")
	if !ok {
		return r, errors.New("want service.operation:kind, like sqs.SendMessage:lost,rate=0.1")
	}
	r.Service, r.Operation, _ = strings.Cut(where, ".")
	for i, part := range strings.Split(what, ",") {
		name, value, given := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case i == 0:
			err = r.setKind(Kind(name), value, given)
		default:
			err = r.set(name, value)
		}
		if err != nil {
			return r, err
		}
	}
	return r, nil
}

func (r *Rule) setKind(kind Kind, value string, given bool) error {
	r.Kind = kind
	if !given {
		return nil
	}
	switch kind {
	case Latency:
		return r.Latency.UnmarshalText([]byte(value))
	case Error:
		r.Error = value
		return nil
	case Late, Reorder, Expire:
		return r.After.UnmarshalText([]byte(value))
	default:
		return fmt.Errorf("%s takes no value", kind)
	}
}

func (r *Rule) set(name, value string) (err error) {
	switch name {
	case "rate":
		if r.Rate, err = strconv.ParseFloat(value, 64); err != nil || r.Rate == 0 {
			return errNoRate
		}
	case "latency":
		return r.Latency.UnmarshalText([]byte(value))
	case "times":
		if r.Times, err = strconv.Atoi(value); err != nil || r.Times < 1 {
			return errors.New("times must be a whole number above 0")
		}
	default:
		return fmt.Errorf("there is no parameter %s, only rate, latency and times", name)
	}
	return nil
}

var errNoRate = errors.New("the rate must be above 0 and at most 1")

// String returns the text for Parse.
func (r Rule) String() string {
	var b strings.Builder
	b.WriteString(r.Service)
	if !r.anyOperation() {
		b.WriteString("." + r.Operation)
	}
	b.WriteString(":" + string(r.Kind))
	switch {
	case r.Kind == Latency:
		b.WriteString("=" + r.Latency.String())
	case r.Error != "":
		b.WriteString("=" + r.Error)
	case r.After.Max > 0:
		b.WriteString("=" + r.After.String())
	}
	if r.Rate != 0 {
		b.WriteString(",rate=" + strconv.FormatFloat(r.Rate, 'g', -1, 64))
	}
	if r.Kind != Latency && r.Latency.Max > 0 {
		b.WriteString(",latency=" + r.Latency.String())
	}
	if r.Times > 0 {
		b.WriteString(",times=" + strconv.Itoa(r.Times))
	}
	return b.String()
}

// String returns the text for Parse.
func (p Plan) String() string {
	parts := []string{"seed=" + strconv.FormatUint(p.Seed, 10)}
	for _, r := range p.Rules {
		parts = append(parts, r.String())
	}
	return strings.Join(parts, "; ")
}

// UnmarshalJSON refuses a rate of 0, which would mean always.
func (r *Rule) UnmarshalJSON(raw []byte) error {
	type plain Rule
	in := struct {
		*plain
		Rate *float64 `json:"rate"`
	}{plain: (*plain)(r)}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return err
	}
	if in.Rate != nil {
		if r.Rate = *in.Rate; r.Rate == 0 {
			return errNoRate
		}
	}
	return nil
}
