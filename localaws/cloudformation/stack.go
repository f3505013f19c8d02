package cloudformation

import (
	"regexp"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/deploy/template"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// stack is everything about a stack. A deleted one stays under its id.
type stack struct {
	ID, Name       string
	Status, Reason string
	Created        time.Time
	Changed        time.Time `json:",omitzero"`
	definition
	Outputs   map[string]string
	Resources map[string]resource
	// Order lists the resources so that each comes after those that it depends on.
	Order []string
	// Events has the oldest first.
	Events     []event
	ChangeSets map[string]changeSet
	Job        *job
}

// definition is what a stack is made from.
type definition struct {
	Template     string
	Parameters   map[string]string
	Capabilities []string
	Tags         map[string]string
}

// resource is a resource that a stack has, or had.
type resource struct {
	Type, PhysicalID, Status, Reason string
	Attributes                       map[string]string
	Properties                       map[string]any
	DeletionPolicy, ReplacePolicy    string
	Changed                          time.Time
}

type event struct {
	ID, Resource, PhysicalID, Type, Status, Reason string
	At                                             time.Time
}

const deleted = "DELETE_COMPLETE"

func stacksIn(tx *store.Tx) store.Bucket { return tx.Bucket("cloudformation", "stacks") } // id -> stack
func namesIn(tx *store.Tx) store.Bucket  { return tx.Bucket("cloudformation", "names") }  // name -> id

// find returns a stack by its name, unless it is deleted, or by its id.
func (s *Service) find(nameOrID string) (*stack, error) {
	var st stack
	found := false
	err := s.env.DB.View(func(tx *store.Tx) (err error) {
		id := nameOrID
		if !strings.HasPrefix(id, "arn:") {
			id = string(namesIn(tx).Get([]byte(nameOrID)))
		}
		st, found, err = store.GetJSON[stack](stacksIn(tx), id)
		return err
	})
	if err == nil && !found {
		err = invalid("Stack with id %s does not exist", nameOrID)
	}
	return &st, err
}

func (s *Service) save(st *stack) error {
	return s.env.DB.Update(func(tx *store.Tx) error {
		names, stacks := namesIn(tx), stacksIn(tx)
		if st.Status == deleted {
			if string(names.Get([]byte(st.Name))) == st.ID {
				if err := names.Delete([]byte(st.Name)); err != nil {
					return err
				}
			}
		} else if err := names.Put([]byte(st.Name), []byte(st.ID)); err != nil {
			return err
		}
		return store.PutJSON(stacks, st.ID, *st)
	})
}

var stackName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,127}$`)

func (s *Service) newStack(name string) (*stack, error) {
	if !stackName.MatchString(name) {
		return nil, invalid("1 validation error detected: Value '%s' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*", name)
	}
	st := &stack{
		ID: s.env.ARN("cloudformation", "stack/"+name+"/"+wire.NewUUID()), Name: name, Created: s.env.Now(),
		Resources: map[string]resource{}, ChangeSets: map[string]changeSet{},
	}
	s.setStatus(st, "REVIEW_IN_PROGRESS", "User Initiated")
	return st, nil
}

// setStatus also writes the stack's own event.
func (s *Service) setStatus(st *stack, status, reason string) {
	st.Status, st.Reason, st.Changed = status, reason, s.env.Now()
	st.Events = append(st.Events, event{
		ID: wire.NewUUID(), Resource: st.Name, PhysicalID: st.ID, Type: "AWS::CloudFormation::Stack", Status: status, Reason: reason, At: st.Changed,
	})
}

func (s *Service) tell(st *stack, name string, r resource) {
	st.Events = append(st.Events, event{
		ID: name + "-" + r.Status + "-" + wire.NewUUID(), Resource: name, PhysicalID: r.PhysicalID, Type: r.Type, Status: r.Status, Reason: r.Reason, At: s.env.Now(),
	})
}

// parse reads a template whose types this AWS knows. It remembers templates, which are read often.
func (s *Service) parse(body string) (template.Template, error) {
	if known, ok := s.parsed[body]; ok {
		return known, nil
	}
	t, err := template.Parse([]byte(body))
	if err != nil {
		return t, invalid("Template format error: %s", err)
	}
	for name, r := range t.Resources {
		if !knownType(r.Type) {
			return t, wire.NotImplemented("The type " + r.Type + " of resource " + name)
		}
	}
	s.parsed[body] = t
	return t, nil
}
