package template

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Stack is the stack for which a template is resolved.
type Stack struct {
	Name, Account, Region, Partition string
	Parameters                       map[string]string
	// Ref and GetAtt say what the functions are for a resource of the stack. nil is a made-up
	// text.
	Ref    func(resource string) (any, error)
	GetAtt func(resource, attribute string) (any, error)
}

// Resolved is a template with the values of one stack. Its resources are those whose conditions
// hold.
type Resolved struct {
	template   Template
	stack      Stack
	parameters map[string]any
	conditions map[string]bool
	// Resources lists the names of the resources in the stack, in order.
	Resources []string
}

// noValue stands for AWS::NoValue: its member is left out.
type noValue struct{}

// Resolve checks the parameters and evaluates the conditions. It does not resolve properties yet,
// since Ref and GetAtt may need resources that do not exist yet.
func (t Template) Resolve(stack Stack) (*Resolved, error) {
	if stack.Partition == "" {
		stack.Partition = "aws"
	}
	if stack.Ref == nil {
		stack.Ref = func(resource string) (any, error) { return stack.Name + "/" + resource, nil }
	}
	if stack.GetAtt == nil {
		stack.GetAtt = func(resource, attribute string) (any, error) {
			return stack.Name + "/" + resource + "." + attribute, nil
		}
	}
	parameters, err := t.parameters(stack.Parameters)
	if err != nil {
		return nil, err
	}
	r := &Resolved{template: t, stack: stack, parameters: parameters, conditions: map[string]bool{}}
	if err := r.checkRules(); err != nil {
		return nil, err
	}
	for name := range t.Conditions {
		if _, err := r.condition(name); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Resources)) {
		in, err := r.included(t.Resources[name].Condition)
		if err != nil {
			return nil, fmt.Errorf("resource %s: %w", name, err)
		}
		if in {
			r.Resources = append(r.Resources, name)
		}
	}
	return r, nil
}

func (r *Resolved) checkRules() error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(r.template.Rules)) {
		rule := r.template.Rules[name]
		if applies, err := r.value(rule.Condition); err != nil || applies == false {
			faults = append(faults, err)
			continue
		}
		for _, one := range rule.Assertions {
			holds, err := r.value(one.Assert)
			if err == nil && holds != true {
				err = errors.New(one.Description)
			}
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

func (r *Resolved) included(condition string) (bool, error) {
	if condition == "" {
		return true, nil
	}
	return r.condition(condition)
}

// Has reports whether the resource is in the stack.
func (r *Resolved) Has(resource string) bool { return slices.Contains(r.Resources, resource) }

// Type returns the type of a resource, such as AWS::SQS::Queue.
func (r *Resolved) Type(resource string) string { return r.template.Resources[resource].Type }

// Named returns the resources of a type, in the order of their names.
func (r *Resolved) Named(kind string) []string {
	var all []string
	for _, name := range r.Resources {
		if r.Type(name) == kind {
			all = append(all, name)
		}
	}
	return all
}

// Properties returns the resolved properties of a resource in the stack.
func (r *Resolved) Properties(resource string) (map[string]any, error) {
	if !r.Has(resource) {
		return nil, fmt.Errorf("the stack has no resource %s", resource)
	}
	for _, other := range r.template.Resources[resource].DependsOn {
		if !r.Has(other) {
			return nil, fmt.Errorf("%s depends on %s, which is not in the stack", resource, other)
		}
	}
	value, err := r.value(r.template.Resources[resource].Properties)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", resource, err)
	}
	properties, _ := value.(map[string]any)
	return properties, nil
}

// DependsOn returns the resources that must exist before this one, beside those that it refers to.
func (r *Resolved) DependsOn(resource string) []string {
	return r.template.Resources[resource].DependsOn
}

// Outputs returns the outputs whose conditions hold.
func (r *Resolved) Outputs() (map[string]string, error) {
	all := map[string]string{}
	for name, output := range r.template.Outputs {
		in, err := r.included(output.Condition)
		if err != nil {
			return nil, err
		}
		if !in {
			continue
		}
		value, err := r.value(output.Value)
		if err != nil {
			return nil, fmt.Errorf("output %s: %w", name, err)
		}
		all[name] = text(value)
	}
	return all, nil
}

func (r *Resolved) condition(name string) (bool, error) {
	if holds, known := r.conditions[name]; known {
		return holds, nil
	}
	expression, ok := r.template.Conditions[name]
	if !ok {
		return false, fmt.Errorf("there is no condition %s", name)
	}
	value, err := r.value(expression)
	if err != nil {
		return false, fmt.Errorf("condition %s: %w", name, err)
	}
	holds, ok := value.(bool)
	if !ok {
		return false, fmt.Errorf("condition %s is %v, not true or false", name, value)
	}
	r.conditions[name] = holds
	return holds, nil
}

func (r *Resolved) value(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if name, argument, ok := call(v); ok {
			return r.call(name, argument)
		}
		all := map[string]any{}
		for key, member := range v {
			resolved, err := r.value(member)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			if resolved != (noValue{}) {
				all[key] = resolved
			}
		}
		return all, nil
	case []any:
		return r.list(v)
	}
	return v, nil
}

func (r *Resolved) list(v []any) ([]any, error) {
	all := []any{}
	for _, member := range v {
		resolved, err := r.value(member)
		if err != nil {
			return nil, err
		}
		if resolved != (noValue{}) {
			all = append(all, resolved)
		}
	}
	return all, nil
}

func call(v map[string]any) (name string, argument any, ok bool) {
	if len(v) != 1 {
		return "", nil, false
	}
	for key, value := range v {
		name, argument = key, value
	}
	_, isText := argument.(string)
	return name, argument, strings.HasPrefix(name, "Fn::") || name == "Ref" || name == "Condition" && isText
}

func (r *Resolved) call(name string, argument any) (any, error) {
	switch name {
	case "Ref":
		return r.ref(text(argument))
	case "Condition":
		return r.condition(text(argument))
	case "Fn::GetAtt":
		return r.getAtt(argument)
	case "Fn::Sub":
		return r.sub(argument)
	case "Fn::If":
		return r.either(argument)
	}
	value, err := r.value(argument)
	if err != nil {
		return nil, err
	}
	args, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("%s wants a list", name)
	}
	switch name {
	case "Fn::Equals":
		return len(args) == 2 && text(args[0]) == text(args[1]), nil
	case "Fn::Not":
		return args[0] == false, nil
	case "Fn::And":
		return !slices.Contains(args, any(false)), nil
	case "Fn::Or":
		return slices.Contains(args, any(true)), nil
	case "Fn::Join":
		return join(args)
	case "Fn::Split":
		return split(args)
	case "Fn::Select":
		return selected(args)
	}
	return nil, fmt.Errorf("function %s is not known", name)
}

func (r *Resolved) ref(name string) (any, error) {
	switch name {
	case "AWS::NoValue":
		return noValue{}, nil
	case "AWS::StackName":
		return r.stack.Name, nil
	case "AWS::AccountId":
		return r.stack.Account, nil
	case "AWS::Region":
		return r.stack.Region, nil
	case "AWS::Partition":
		return r.stack.Partition, nil
	case "AWS::URLSuffix":
		return "amazonaws.com", nil
	}
	if value, ok := r.parameters[name]; ok {
		return value, nil
	}
	if !r.Has(name) {
		return nil, fmt.Errorf("the stack has neither a parameter nor a resource %s", name)
	}
	return r.stack.Ref(name)
}

func (r *Resolved) getAtt(argument any) (any, error) {
	path, ok := argument.([]any)
	if !ok || len(path) != 2 {
		return nil, errors.New("Fn::GetAtt wants a resource and an attribute")
	}
	resource := text(path[0])
	if !r.Has(resource) {
		return nil, fmt.Errorf("the stack has no resource %s", resource)
	}
	return r.stack.GetAtt(resource, text(path[1]))
}

func (r *Resolved) either(argument any) (any, error) {
	args, ok := argument.([]any)
	if !ok || len(args) != 3 {
		return nil, errors.New("Fn::If wants a condition and two values")
	}
	holds, err := r.condition(text(args[0]))
	if err != nil {
		return nil, err
	}
	if holds {
		return r.value(args[1])
	}
	return r.value(args[2])
}

var placeholder = regexp.MustCompile(`\$\{(!?)([^}]*)\}`)

func (r *Resolved) sub(argument any) (any, error) {
	pattern, own := argument, map[string]any{}
	if args, ok := argument.([]any); ok && len(args) == 2 {
		pattern = args[0]
		resolved, err := r.value(args[1])
		if err != nil {
			return nil, err
		}
		own, _ = resolved.(map[string]any)
	}
	if _, ok := pattern.(string); !ok {
		return nil, errors.New("Fn::Sub wants a text")
	}
	var faults []error
	out := placeholder.ReplaceAllStringFunc(text(pattern), func(found string) string {
		parts := placeholder.FindStringSubmatch(found)
		name := parts[2]
		if parts[1] == "!" {
			return "${" + name + "}"
		}
		if value, ok := own[name]; ok {
			return text(value)
		}
		value, err := r.named(name)
		if _, isList := value.([]any); isList {
			err = fmt.Errorf("%s is a list", name)
		}
		faults = append(faults, err)
		return text(value)
	})
	return out, errors.Join(faults...)
}

func (r *Resolved) named(name string) (any, error) {
	if resource, attribute, ok := strings.Cut(name, "."); ok {
		return r.getAtt([]any{resource, attribute})
	}
	return r.ref(name)
}

func join(args []any) (any, error) {
	list, ok := args[1].([]any)
	if !ok {
		return nil, errors.New("Fn::Join wants a separator and a list")
	}
	var all []string
	for _, one := range list {
		all = append(all, text(one))
	}
	return strings.Join(all, text(args[0])), nil
}

func split(args []any) (any, error) {
	var all []any
	for one := range strings.SplitSeq(text(args[1]), text(args[0])) {
		all = append(all, one)
	}
	return all, nil
}

func selected(args []any) (any, error) {
	list, ok := args[1].([]any)
	index := 0
	if _, err := fmt.Sscan(text(args[0]), &index); err != nil || !ok || index < 0 || index >= len(list) {
		return nil, fmt.Errorf("Fn::Select: there is no item %v in %v", args[0], args[1])
	}
	return list[index], nil
}

// Policies returns what becomes of a resource that is deleted or replaced: "", which deletes it,
// or the template's word, such as "Retain".
func (r *Resolved) Policies(resource string) (deletion, replacement string) {
	declared := r.template.Resources[resource]
	return declared.DeletionPolicy, declared.UpdateReplacePolicy
}
