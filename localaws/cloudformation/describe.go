package cloudformation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

type describedStacks struct {
	Stacks    members[stackElement] `xml:"Stacks"`
	NextToken string                `xml:"NextToken,omitempty"`
}

type stackElement struct {
	StackID           string             `xml:"StackId"`
	StackName         string             `xml:"StackName"`
	StackStatus       string             `xml:"StackStatus"`
	StackStatusReason string             `xml:"StackStatusReason,omitempty"`
	CreationTime      string             `xml:"CreationTime"`
	LastUpdatedTime   string             `xml:"LastUpdatedTime,omitempty"`
	Capabilities      members[string]    `xml:"Capabilities"`
	Parameters        members[parameter] `xml:"Parameters"`
	Outputs           members[output]    `xml:"Outputs"`
	Tags              members[tag]       `xml:"Tags"`
}

type parameter struct {
	Key   string `xml:"ParameterKey"`
	Value string `xml:"ParameterValue"`
}

type output struct {
	Key         string `xml:"OutputKey"`
	Value       string `xml:"OutputValue"`
	Description string `xml:"Description,omitempty"`
}

type tag struct {
	Key   string `xml:"Key"`
	Value string `xml:"Value"`
}

func parameters(given map[string]string) (all members[parameter]) {
	for _, name := range slices.Sorted(maps.Keys(given)) {
		all.Items = append(all.Items, parameter{name, given[name]})
	}
	return all
}

// describeStacks describes the stack after the next part of its job, or all stacks as they are.
func (s *Service) describeStacks(ctx context.Context, in form) (*describedStacks, error) {
	if name := in.text("StackName"); name != "" {
		st, err := s.find(name)
		if err != nil {
			return nil, err
		}
		if err := s.advance(ctx, st); err != nil {
			return nil, err
		}
		return &describedStacks{Stacks: members[stackElement]{[]stackElement{describe(st)}}}, nil
	}
	var all []stack
	err := s.env.DB.View(func(tx *store.Tx) (err error) {
		all, err = store.AllJSON[stack](stacksIn(tx))
		return err
	})
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(st stack) bool { return st.Status == deleted })
	slices.SortFunc(all, func(a, b stack) int { return b.Created.Compare(a.Created) })
	shown, next, err := page(all, in.text("NextToken"))
	out := &describedStacks{NextToken: next}
	for _, st := range shown {
		out.Stacks.Items = append(out.Stacks.Items, describe(&st))
	}
	return out, err
}

func describe(st *stack) stackElement {
	e := stackElement{
		StackID: st.ID, StackName: st.Name, StackStatus: st.Status, StackStatusReason: st.Reason, CreationTime: stamp(st.Created),
		Capabilities: members[string]{st.Capabilities},
	}
	e.Parameters = parameters(st.Parameters)
	if !st.Changed.IsZero() {
		e.LastUpdatedTime = stamp(st.Changed)
	}
	for _, name := range slices.Sorted(maps.Keys(st.Outputs)) {
		e.Outputs.Items = append(e.Outputs.Items, output{Key: name, Value: st.Outputs[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(st.Tags)) {
		e.Tags.Items = append(e.Tags.Items, tag{name, st.Tags[name]})
	}
	return e
}

type describedEvents struct {
	StackEvents members[eventElement] `xml:"StackEvents"`
	NextToken   string                `xml:"NextToken,omitempty"`
}

type eventElement struct {
	StackID              string `xml:"StackId"`
	StackName            string `xml:"StackName"`
	EventID              string `xml:"EventId"`
	LogicalResourceID    string `xml:"LogicalResourceId"`
	PhysicalResourceID   string `xml:"PhysicalResourceId,omitempty"`
	ResourceType         string `xml:"ResourceType"`
	ResourceStatus       string `xml:"ResourceStatus"`
	ResourceStatusReason string `xml:"ResourceStatusReason,omitempty"`
	Timestamp            string `xml:"Timestamp"`
}

// describeStackEvents lists the newest event first.
func (s *Service) describeStackEvents(ctx context.Context, in form) (*describedEvents, error) {
	st, err := s.find(in.text("StackName"))
	if err != nil {
		return nil, err
	}
	if in.text("NextToken") == "" {
		if err := s.advance(ctx, st); err != nil {
			return nil, err
		}
	}
	newest := slices.Clone(st.Events)
	slices.Reverse(newest)
	shown, next, err := page(newest, in.text("NextToken"))
	out := &describedEvents{NextToken: next}
	for _, e := range shown {
		out.StackEvents.Items = append(out.StackEvents.Items, eventElement{
			StackID: st.ID, StackName: st.Name, EventID: e.ID, LogicalResourceID: e.Resource, PhysicalResourceID: e.PhysicalID,
			ResourceType: e.Type, ResourceStatus: e.Status, ResourceStatusReason: e.Reason, Timestamp: stamp(e.At),
		})
	}
	return out, err
}

type describedResources struct {
	StackResources members[resourceElement] `xml:"StackResources"`
}

type resourceElement struct {
	StackID              string `xml:"StackId"`
	StackName            string `xml:"StackName"`
	LogicalResourceID    string `xml:"LogicalResourceId"`
	PhysicalResourceID   string `xml:"PhysicalResourceId,omitempty"`
	ResourceType         string `xml:"ResourceType"`
	ResourceStatus       string `xml:"ResourceStatus"`
	ResourceStatusReason string `xml:"ResourceStatusReason,omitempty"`
	Timestamp            string `xml:"Timestamp"`
}

// describeStackResources lists at most 100 resources, as on AWS.
func (s *Service) describeStackResources(_ context.Context, in form) (*describedResources, error) {
	st, err := s.find(in.text("StackName"))
	if err != nil {
		return nil, err
	}
	out := &describedResources{}
	for _, name := range slices.Sorted(maps.Keys(st.Resources)) {
		r := st.Resources[name]
		out.StackResources.Items = append(out.StackResources.Items, resourceElement{
			StackID: st.ID, StackName: st.Name, LogicalResourceID: name, PhysicalResourceID: r.PhysicalID, ResourceType: r.Type,
			ResourceStatus: r.Status, ResourceStatusReason: r.Reason, Timestamp: stamp(r.Changed),
		})
	}
	out.StackResources.Items = out.StackResources.Items[:min(len(out.StackResources.Items), 100)]
	return out, nil
}

// deleteStack succeeds if there is no such stack, as on AWS.
func (s *Service) deleteStack(_ context.Context, in form) (*nothing, error) {
	st, err := s.find(in.text("StackName"))
	if err != nil || st.Status == deleted {
		return &nothing{}, nil
	}
	if st.Job != nil && st.Job.Kind != deleting {
		return nil, invalid("Stack [%s] cannot be deleted while in status %s", st.ID, st.Status)
	}
	st.Job, st.ChangeSets = &job{Kind: deleting}, map[string]changeSet{}
	s.setStatus(st, deleting+inProgress, "User Initiated")
	return &nothing{}, s.save(st)
}

type templateBody struct {
	TemplateBody string `xml:"TemplateBody"`
}

func (s *Service) getTemplate(_ context.Context, in form) (*templateBody, error) {
	st, err := s.find(in.text("StackName"))
	if err != nil {
		return nil, err
	}
	return &templateBody{st.Template}, nil
}

type templateSummary struct {
	Description   string                        `xml:"Description,omitempty"`
	Parameters    members[parameterDeclaration] `xml:"Parameters"`
	ResourceTypes members[string]               `xml:"ResourceTypes"`
	Capabilities  members[string]               `xml:"Capabilities"`
}

type parameterDeclaration struct {
	Key         string  `xml:"ParameterKey"`
	Default     *string `xml:"DefaultValue,omitempty"`
	Type        string  `xml:"ParameterType"`
	Description string  `xml:"Description,omitempty"`
}

func (s *Service) getTemplateSummary(_ context.Context, in form) (*templateSummary, error) {
	body := in.text("TemplateBody")
	if body == "" {
		st, err := s.find(in.text("StackName"))
		if err != nil {
			return nil, err
		}
		body = st.Template
	}
	t, err := s.parse(body)
	if err != nil {
		return nil, err
	}
	out := &templateSummary{Description: t.Description}
	for _, name := range slices.Sorted(maps.Keys(t.Parameters)) {
		p := t.Parameters[name]
		declared := parameterDeclaration{Key: name, Type: p.Type, Description: p.Description}
		if p.Default != nil {
			value := fmt.Sprint(p.Default)
			declared.Default = &value
		}
		out.Parameters.Items = append(out.Parameters.Items, declared)
	}
	types := map[string]bool{}
	for _, r := range t.Resources {
		types[r.Type] = true
		if strings.HasPrefix(r.Type, "AWS::IAM::") {
			out.Capabilities.Items = []string{"CAPABILITY_IAM"}
		}
	}
	out.ResourceTypes.Items = slices.Sorted(maps.Keys(types))
	return out, nil
}
