package cloudformation

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// job is the work on a stack. It is done in parts.
type job struct {
	Kind string
	// Want is what the stack becomes.
	Want definition
	// Before is the stack as it was.
	Before struct {
		definition
		Outputs   map[string]string
		Resources map[string]resource
		Order     []string
	}
	// Done lists the resources that are as they must be, in order.
	Done []string
	// Spare lists replaced resources, which are deleted at the end.
	Spare []spare
}

type spare struct {
	Name string
	Was  resource
}

// The kinds of jobs.
const (
	creating    = "CREATE"
	updating    = "UPDATE"
	cleaning    = "UPDATE_COMPLETE_CLEANUP"
	deleting    = "DELETE"
	undoing     = "ROLLBACK"
	undoingBack = "UPDATE_ROLLBACK"
)

const inProgress = "_IN_PROGRESS"

func (s *Service) start(st *stack, want definition) {
	j := &job{Kind: updating, Want: want}
	if st.Status == "REVIEW"+inProgress {
		j.Kind = creating
	}
	j.Before.definition, j.Before.Outputs = st.definition, st.Outputs
	j.Before.Resources, j.Before.Order = maps.Clone(st.Resources), slices.Clone(st.Order)
	st.Job, st.definition, st.ChangeSets = j, want, map[string]changeSet{}
	s.setStatus(st, j.Kind+inProgress, "User Initiated")
}

// advance does the next part of the stack's job, if it has one.
func (s *Service) advance(ctx context.Context, st *stack) error {
	if st.Job == nil {
		return nil
	}
	switch st.Job.Kind {
	case creating, updating:
		s.converge(ctx, st)
	case cleaning:
		s.cleanUp(ctx, st)
	case deleting:
		s.remove(ctx, st, deleted, "DELETE_FAILED")
	case undoing:
		s.remove(ctx, st, "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
	case undoingBack:
		s.restore(ctx, st)
	}
	return s.save(st)
}

// converge makes all resources for which everything that they refer to is ready.
func (s *Service) converge(ctx context.Context, st *stack) {
	j := st.Job
	done := slices.Clone(j.Done)
	resolved, err := s.ofExisting(st, j.Want, func(name string) bool { return slices.Contains(done, name) })
	if err != nil {
		s.giveUp(st, err.Error())
		return
	}
	failed := ""
	for _, name := range resolved.Resources {
		if slices.Contains(j.Done, name) || slices.ContainsFunc(resolved.DependsOn(name), func(before string) bool { return !slices.Contains(done, before) }) {
			continue
		}
		properties, err := resolved.Properties(name)
		if errors.Is(err, errNotMade) {
			continue
		}
		want := resource{Type: resolved.Type(name), Properties: properties}
		want.DeletionPolicy, want.ReplacePolicy = resolved.Policies(name)
		switch {
		case failed != "":
			s.cancel(st, name, want)
		case err == nil:
			err = s.put(ctx, st, name, want)
			fallthrough
		default:
			if err != nil {
				failed = name
			} else {
				j.Done = append(j.Done, name)
			}
		}
	}
	switch {
	case failed != "":
		s.giveUp(st, "The following resource(s) failed to "+strings.ToLower(j.Kind)+": ["+failed+"]. ")
	case len(j.Done) == len(resolved.Resources):
		s.complete(st)
	case len(j.Done) == len(done):
		s.giveUp(st, "Circular dependency between resources")
	}
}

// put creates, changes or replaces one resource.
func (s *Service) put(ctx context.Context, st *stack, name string, want resource) error {
	have, exists := st.Resources[name]
	replace := exists && mustReplace(want.Type, have.Properties, want.Properties)
	verb := creating
	switch {
	case exists && reflect.DeepEqual(have.Properties, want.Properties):
		have.DeletionPolicy, have.ReplacePolicy = want.DeletionPolicy, want.ReplacePolicy
		st.Resources[name] = have
		return nil
	case exists:
		verb = updating
		want.PhysicalID, want.Attributes = have.PhysicalID, have.Attributes
	}
	want.Status = verb + inProgress
	s.tell(st, name, want)
	err := s.takeFailure(st.Name, name)
	m := maker{cfg: s.resources, env: s.env, ctx: ctx, stack: st.Name, resource: name}
	if err == nil && exists && !replace {
		err = m.change(want, have.Properties)
	} else if err == nil {
		want.PhysicalID, want.Attributes, err = m.make(want)
	}
	if err != nil {
		want.Status, want.Reason, want.Changed = verb+"_FAILED", reason(err), s.env.Now()
		s.tell(st, name, want)
		if !exists {
			st.Resources[name] = want
		}
		if !exists && want.PhysicalID != "" {
			st.Order = append(st.Order, name)
		}
		return err
	}
	if replace {
		st.Job.Spare = append(st.Job.Spare, spare{name, have})
	}
	want.Status, want.Changed = verb+"_COMPLETE", s.env.Now()
	s.tell(st, name, want)
	st.Resources[name] = want
	if !exists {
		st.Order = append(st.Order, name)
	}
	return nil
}

// cancel records that a resource was not made because another one failed.
func (s *Service) cancel(st *stack, name string, want resource) {
	if _, exists := st.Resources[name]; exists {
		return
	}
	want.Status, want.Reason = "CREATE_FAILED", "Resource creation cancelled"
	s.tell(st, name, want)
}

func (s *Service) giveUp(st *stack, why string) {
	j := st.Job
	switch j.Kind {
	case creating:
		j.Kind = undoing
	default:
		j.Kind = undoingBack
	}
	s.setStatus(st, j.Kind+inProgress, why)
}

func (s *Service) complete(st *stack) {
	resolved, err := s.ofExisting(st, st.Job.Want, func(string) bool { return true })
	if err == nil {
		err = s.takeFailure(st.Name, "")
	}
	if err == nil {
		st.Outputs, err = resolved.Outputs()
	}
	if err != nil {
		s.giveUp(st, err.Error())
		return
	}
	if st.Job.Kind == creating {
		st.Job = nil
		s.setStatus(st, "CREATE_COMPLETE", "")
		return
	}
	// An older resource may depend on a newer one by now.
	order := slices.Clone(st.Job.Done)
	for _, name := range st.Order {
		if !resolved.Has(name) {
			st.Job.Spare = append(st.Job.Spare, spare{name, st.Resources[name]})
			order = append(order, name)
		}
	}
	st.Order = order
	st.Job.Kind = cleaning
	s.setStatus(st, cleaning+inProgress, "")
}

// cleanUp deletes what was replaced or removed. A failure changes nothing about the stack's success.
func (s *Service) cleanUp(ctx context.Context, st *stack) {
	for _, old := range st.Job.Spare {
		policy := old.Was.DeletionPolicy
		if current, replaced := st.Resources[old.Name]; replaced && current.PhysicalID != old.Was.PhysicalID {
			policy = old.Was.ReplacePolicy
		} else {
			st.forget(old.Name)
		}
		_ = s.drop(ctx, st, old.Name, old.Was, policy)
	}
	st.Job = nil
	s.setStatus(st, "UPDATE_COMPLETE", "")
}

func (st *stack) forget(name string) {
	delete(st.Resources, name)
	st.Order = slices.DeleteFunc(st.Order, func(other string) bool { return other == name })
}

// drop deletes a resource unless its policy retains it.
func (s *Service) drop(ctx context.Context, st *stack, name string, r resource, policy string) error {
	if policy == "Retain" || policy == "RetainExceptOnCreate" && st.Job.Kind != undoing {
		r.Status = "DELETE_SKIPPED"
		s.tell(st, name, r)
		return nil
	}
	r.Status, r.Reason = "DELETE"+inProgress, ""
	s.tell(st, name, r)
	err := s.takeFailure(st.Name, name)
	if err == nil {
		err = maker{cfg: s.resources, env: s.env, ctx: ctx, stack: st.Name, resource: name}.unmake(r)
	}
	if err != nil {
		r.Status, r.Reason = "DELETE_FAILED", reason(err)
		s.tell(st, name, r)
		return err
	}
	r.Status = deleted
	s.tell(st, name, r)
	return nil
}

// remove deletes all resources, the newest first.
func (s *Service) remove(ctx context.Context, st *stack, end, failed string) {
	var left []string
	for _, name := range slices.Backward(st.Order) {
		r := st.Resources[name]
		if r.Status == deleted || r.Status == "DELETE_SKIPPED" {
			continue
		}
		err := s.drop(ctx, st, name, r, r.DeletionPolicy)
		r.Status, r.Reason = st.Events[len(st.Events)-1].Status, st.Events[len(st.Events)-1].Reason
		st.Resources[name] = r
		if err != nil {
			left = append(left, name)
		}
	}
	st.Job = nil
	if len(left) > 0 {
		s.setStatus(st, failed, "The following resource(s) failed to delete: ["+strings.Join(left, ", ")+"]. ")
		return
	}
	s.setStatus(st, end, "")
}

// restore takes an update back.
func (s *Service) restore(ctx context.Context, st *stack) {
	j := st.Job
	var left []string
	for _, old := range slices.Backward(j.Spare) {
		_ = s.drop(ctx, st, old.Name, st.Resources[old.Name], "")
		st.Resources[old.Name] = old.Was
	}
	for _, name := range slices.Backward(slices.Clone(st.Order)) {
		was, existed := j.Before.Resources[name]
		is := st.Resources[name]
		var err error
		switch {
		case !existed:
			err = s.drop(ctx, st, name, is, "")
			st.forget(name)
		case !reflect.DeepEqual(was.Properties, is.Properties):
			err = maker{cfg: s.resources, env: s.env, ctx: ctx, stack: st.Name, resource: name}.change(was, is.Properties)
			was.Status = "UPDATE_COMPLETE"
			st.Resources[name] = was
			s.tell(st, name, was)
		}
		if err != nil {
			left = append(left, name)
		}
	}
	st.definition, st.Outputs, st.Resources, st.Order = j.Before.definition, j.Before.Outputs, j.Before.Resources, j.Before.Order
	st.Job = nil
	if len(left) > 0 {
		s.setStatus(st, "UPDATE_ROLLBACK_FAILED", "The following resource(s) failed to roll back: ["+strings.Join(left, ", ")+"]. ")
		return
	}
	s.setStatus(st, "UPDATE_ROLLBACK_COMPLETE", "")
}
