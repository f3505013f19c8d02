package cloudformation

import (
	"context"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/deploy/template"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// changeSet is what would happen to a stack.
type changeSet struct {
	ID, Name, Type, Status, Reason string
	Created                        time.Time
	definition
	Changes []change
	// Described counts how often somebody looked. A change set is made by the first look.
	Described int
}

type change struct {
	Action, Resource, PhysicalID, Type, Replacement string
}

// noChanges is how CloudFormation says that there is nothing to do.
const noChanges = "The submitted information didn't contain changes. Submit different information to create a change set."

type changeSetID struct {
	ID      string `xml:"Id"`
	StackID string `xml:"StackId"`
}

func (s *Service) createChangeSet(_ context.Context, in form) (*changeSetID, error) {
	st, err := s.find(in.text("StackName"))
	kind := in.text("ChangeSetType")
	switch {
	case kind == "CREATE" && err != nil:
		if st, err = s.newStack(in.text("StackName")); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case kind == "CREATE" && st.Status != "REVIEW_IN_PROGRESS":
		return nil, invalid("Stack [%s] already exists and cannot be created again with the changeSet [%s].", st.Name, in.text("ChangeSetName"))
	case kind != "CREATE" && !slices.Contains([]string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}, st.Status):
		return nil, invalid("Stack:%s is in %s state and can not be updated.", st.ID, st.Status)
	case kind != "CREATE" && kind != "UPDATE" && kind != "":
		return nil, wire.NotImplemented("The change set type " + kind)
	}
	set := changeSet{
		ID:   s.env.ARN("cloudformation", "changeSet/"+in.text("ChangeSetName")+"/"+wire.NewUUID()),
		Name: in.text("ChangeSetName"), Type: kind, Status: "CREATE_IN_PROGRESS", Created: s.env.Now(),
	}
	if _, exists := st.ChangeSets[set.Name]; exists {
		return nil, wire.Errorf("AlreadyExistsException", "ChangeSet %s cannot be created due to a mismatch with existing attribute", set.Name)
	}
	if set.definition, err = s.define(st, in); err != nil {
		return nil, err
	}
	if set.Changes, err = s.changes(st, set.definition); err != nil {
		return nil, err
	}
	st.ChangeSets[set.Name] = set
	return &changeSetID{set.ID, st.ID}, s.save(st)
}

// previous returns the value that a parameter of the stack has: the one that was given, or else the template's default.
func (s *Service) previous(st *stack, name string) (value string, known bool) {
	if value, given := st.Parameters[name]; given {
		return value, true
	}
	t, err := s.parse(st.Template)
	if err != nil || t.Parameters[name].Default == nil {
		return "", false
	}
	return fmt.Sprint(t.Parameters[name].Default), true
}

// define reads and checks what the stack would be made from.
func (s *Service) define(st *stack, in form) (definition, error) {
	d := definition{Template: in.text("TemplateBody"), Parameters: map[string]string{}, Capabilities: in.texts("Capabilities"), Tags: map[string]string{}}
	if in.text("UsePreviousTemplate") == "true" {
		d.Template = st.Template
	}
	if d.Template == "" {
		return d, invalid("Either Template URL or Template Body must be specified.")
	}
	if len(d.Template) > 51_200 {
		return d, invalid("1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to 51200")
	}
	for _, p := range in.structures("Parameters") {
		name := in.text(p + ".ParameterKey")
		if in.text(p+".UsePreviousValue") != "true" {
			d.Parameters[name] = in.text(p + ".ParameterValue")
			continue
		}
		value, known := s.previous(st, name)
		if !known {
			return d, invalid("Invalid input for parameter key %s. Cannot specify usePreviousValue as true for a parameter key not in the previous template", name)
		}
		d.Parameters[name] = value
	}
	for _, tag := range in.structures("Tags") {
		d.Tags[in.text(tag+".Key")] = in.text(tag + ".Value")
	}
	t, err := s.parse(d.Template)
	if err != nil {
		return d, err
	}
	for _, r := range t.Resources {
		if strings.HasPrefix(r.Type, "AWS::IAM::") && len(d.Capabilities) == 0 {
			return d, wire.Errorf("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]")
		}
	}
	if _, err := s.resolve(st, d, nil, nil); err != nil {
		return d, invalid("%s", err)
	}
	return d, nil
}

func (s *Service) resolve(st *stack, d definition, ref func(string) (any, error), getAtt func(string, string) (any, error)) (*template.Resolved, error) {
	t, err := s.parse(d.Template)
	if err != nil {
		return nil, err
	}
	return t.Resolve(template.Stack{
		Name: st.Name, Account: s.env.Account, Region: s.env.Region, Parameters: d.Parameters, Ref: ref, GetAtt: getAtt,
	})
}

func findChangeSet(st *stack, name string) (changeSet, error) {
	for _, set := range st.ChangeSets {
		if set.Name == name || set.ID == name {
			return set, nil
		}
	}
	return changeSet{}, &wire.Error{Code: "ChangeSetNotFound", Message: "ChangeSet [" + name + "] does not exist", Status: 404}
}

func (s *Service) stackAndSet(in form) (*stack, changeSet, error) {
	name := in.text("StackName")
	if name == "" {
		return nil, changeSet{}, wire.NotImplemented("A change set without its stack's name")
	}
	st, err := s.find(name)
	if err != nil {
		return nil, changeSet{}, err
	}
	set, err := findChangeSet(st, in.text("ChangeSetName"))
	return st, set, err
}

type describedChangeSet struct {
	ChangeSetName   string                 `xml:"ChangeSetName"`
	ChangeSetID     string                 `xml:"ChangeSetId"`
	StackID         string                 `xml:"StackId"`
	StackName       string                 `xml:"StackName"`
	CreationTime    string                 `xml:"CreationTime"`
	Status          string                 `xml:"Status"`
	StatusReason    string                 `xml:"StatusReason,omitempty"`
	ExecutionStatus string                 `xml:"ExecutionStatus"`
	Parameters      members[parameter]     `xml:"Parameters"`
	Changes         members[changeElement] `xml:"Changes"`
	NextToken       string                 `xml:"NextToken,omitempty"`
}

type changeElement struct {
	Type           string `xml:"Type"`
	ResourceChange struct {
		Action             string `xml:"Action"`
		LogicalResourceID  string `xml:"LogicalResourceId"`
		PhysicalResourceID string `xml:"PhysicalResourceId,omitempty"`
		ResourceType       string `xml:"ResourceType"`
		Replacement        string `xml:"Replacement,omitempty"`
	} `xml:"ResourceChange"`
}

// describeChangeSet finishes the change set at the second look, so that callers have to wait.
func (s *Service) describeChangeSet(_ context.Context, in form) (*describedChangeSet, error) {
	st, set, err := s.stackAndSet(in)
	if err != nil {
		return nil, err
	}
	if set.Status == "CREATE_IN_PROGRESS" {
		if set.Described++; set.Described > 1 {
			set.Status = "CREATE_COMPLETE"
			if len(set.Changes) == 0 && set.Type != "CREATE" && s.sameOutputs(st, set.definition) {
				set.Status, set.Reason = "FAILED", noChanges
			}
		}
		st.ChangeSets[set.Name] = set
		if err := s.save(st); err != nil {
			return nil, err
		}
	}
	out := &describedChangeSet{
		ChangeSetName: set.Name, ChangeSetID: set.ID, StackID: st.ID, StackName: st.Name, CreationTime: stamp(set.Created),
		Status: set.Status, StatusReason: set.Reason, ExecutionStatus: "UNAVAILABLE", Parameters: parameters(set.Parameters),
	}
	if set.Status == "CREATE_COMPLETE" {
		out.ExecutionStatus = "AVAILABLE"
	}
	if set.Status == "CREATE_IN_PROGRESS" {
		return out, nil
	}
	changes, next, err := page(set.Changes, in.text("NextToken"))
	for _, c := range changes {
		element := changeElement{Type: "Resource"}
		r := &element.ResourceChange
		r.Action, r.LogicalResourceID, r.PhysicalResourceID, r.ResourceType, r.Replacement = c.Action, c.Resource, c.PhysicalID, c.Type, c.Replacement
		out.Changes.Items = append(out.Changes.Items, element)
	}
	out.NextToken = next
	return out, err
}

type nothing struct{ XMLName xml.Name }

func (s *Service) deleteChangeSet(_ context.Context, in form) (*nothing, error) {
	st, set, err := s.stackAndSet(in)
	if err != nil {
		return nil, err
	}
	delete(st.ChangeSets, set.Name)
	return &nothing{}, s.save(st)
}

type listedChangeSets struct {
	Summaries members[changeSetSummary] `xml:"Summaries"`
}

type changeSetSummary struct {
	ChangeSetName string `xml:"ChangeSetName"`
	ChangeSetID   string `xml:"ChangeSetId"`
	Status        string `xml:"Status"`
}

func (s *Service) listChangeSets(_ context.Context, in form) (*listedChangeSets, error) {
	st, err := s.find(in.text("StackName"))
	if err != nil {
		return nil, err
	}
	out := &listedChangeSets{}
	for _, name := range slices.Sorted(maps.Keys(st.ChangeSets)) {
		set := st.ChangeSets[name]
		out.Summaries.Items = append(out.Summaries.Items, changeSetSummary{set.Name, set.ID, set.Status})
	}
	return out, nil
}

// executeChangeSet starts the work. CloudFormation deletes all change sets of the stack then.
func (s *Service) executeChangeSet(_ context.Context, in form) (*nothing, error) {
	st, set, err := s.stackAndSet(in)
	if err != nil {
		return nil, err
	}
	if set.Status != "CREATE_COMPLETE" {
		return nil, wire.Errorf("InvalidChangeSetStatus", "ChangeSet [%s] cannot be executed in its current status of [%s]", set.ID, set.Status)
	}
	if in.text("DisableRollback") == "true" { // the AWS CLI says false
		return nil, wire.NotImplemented("A change set that disables the rollback")
	}
	s.start(st, set.definition)
	return &nothing{}, s.save(st)
}
