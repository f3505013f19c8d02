package deadletters

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Choice says which letters an operator means. A member that is "" or zero chooses all.
type Choice struct {
	// States are the states that count; none means Open.
	States []State `json:"states,omitempty"`
	// Queue is a queue's name, or its consumer's, such as "commands".
	Queue string `json:"queue,omitempty"`
	// Type is a message's type, with or without "gatehouse." and the version.
	Type    string           `json:"type,omitempty"`
	Account portal.AccountID `json:"account,omitempty"`
	// Cause is a cause's id, a class, or a part of the cause's text in any case.
	Cause string `json:"cause,omitempty"`
	// Before and After bound the letter's first failure: before Before, and at or after After.
	Before time.Time `json:"before,omitzero"`
	After  time.Time `json:"after,omitzero"`
}

// Chooses reports whether the choice includes the letter.
func (c Choice) Chooses(l Letter) bool {
	return c.inState(l.State()) &&
		(c.Queue == "" || c.Queue == l.Queue || c.Queue == l.Consumer) &&
		(c.Type == "" || c.Type == l.Type || strings.EqualFold(c.Type, events.Name(l.Type))) &&
		(c.Account == "" || portal.AccountStream(c.Account) == l.Subject) &&
		(c.Before.IsZero() || l.First.Before(c.Before)) &&
		(c.After.IsZero() || !l.First.Before(c.After)) &&
		c.means(l)
}

func (c Choice) inState(state State) bool {
	if len(c.States) == 0 {
		return state == Open
	}
	return slices.Contains(c.States, state)
}

func (c Choice) means(l Letter) bool {
	if c.Cause == "" || c.Cause == l.Class {
		return true
	}
	cause := l.Cause()
	return c.Cause == cause.ID || strings.Contains(strings.ToLower(cause.Text), strings.ToLower(c.Cause))
}

// All reports whether nothing but the state restricts the choice.
func (c Choice) All() bool {
	return c.Queue == "" && c.Type == "" && c.Account == "" && c.Cause == "" && c.Before.IsZero() && c.After.IsZero()
}

// String describes the choice in words, for the audit and for operators.
func (c Choice) String() string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+" "+value)
		}
	}
	add("queue", c.Queue)
	add("type", c.Type)
	add("account", string(c.Account))
	add("cause", c.Cause)
	if !c.After.IsZero() {
		add("since", c.After.UTC().Format(time.RFC3339))
	}
	if !c.Before.IsZero() {
		add("before", c.Before.UTC().Format(time.RFC3339))
	}
	states := c.States
	if len(states) == 0 {
		states = []State{Open}
	}
	if len(parts) == 0 {
		return fmt.Sprintf("all that are %s", joined(states))
	}
	return fmt.Sprintf("%s; %s", strings.Join(parts, ", "), joined(states))
}

func joined(states []State) string {
	texts := make([]string, len(states))
	for i, state := range states {
		texts[i] = string(state)
	}
	return strings.Join(texts, " or ")
}
