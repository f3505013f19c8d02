package eventbridge

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/eventbridge/pattern"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// maxRules is AWS's default quota of rules on a bus.
const maxRules = 300

type rule struct {
	Name, EventPattern string
	// Account is one of the other accounts, or "".
	Account     string   `json:",omitempty"`
	Description string   `json:",omitempty"`
	Disabled    bool     `json:",omitempty"`
	Targets     []target `json:",omitempty"`
}

func (r rule) state() string {
	if r.Disabled {
		return "DISABLED"
	}
	return "ENABLED"
}

type putRuleIn struct {
	Name, EventPattern, EventBusName string
	Description, State               string
	ScheduleExpression, RoleArn      string
}

type putRuleOut struct{ RuleArn string }

// putRule creates a rule, or replaces one but for its targets.
func (s *Service) putRule(ctx context.Context, in *putRuleIn) (*putRuleOut, error) {
	if err := s.checkBus(ctx, in.EventBusName); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	put := rule{Name: in.Name, Account: s.stored(ctx)}
	return &putRuleOut{s.ruleARN(put)}, s.env.DB.Update(func(tx *store.Tx) error {
		b := rulesIn(tx)
		r, found, err := store.GetJSON[rule](b, put.key())
		if err != nil {
			return err
		}
		all, err := store.AllJSON[rule](b)
		if err != nil {
			return err
		}
		if !found && len(ofAccount(all, put.Account)) >= maxRules {
			return wire.Errorf("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
		}
		r.Name, r.Account, r.EventPattern, r.Description, r.Disabled = in.Name, put.Account, in.EventPattern, in.Description, in.State == "DISABLED"
		return store.PutJSON(b, r.key(), r)
	})
}

func (in *putRuleIn) check() error {
	if err := checkName("name", in.Name); err != nil {
		return err
	}
	switch {
	case in.ScheduleExpression != "":
		return wire.NotImplemented("A rule with a schedule")
	case in.RoleArn != "":
		return wire.NotImplemented("A rule with a role")
	case in.EventPattern == "":
		return invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	case len(in.Description) > 512:
		return violates("description", "have length less than or equal to 512")
	case in.State == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS":
		return wire.NotImplemented("The state " + in.State)
	case in.State != "" && in.State != "ENABLED" && in.State != "DISABLED":
		return violates("state", "satisfy enum value set: [ENABLED, DISABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS]")
	}
	return checkPattern(in.EventPattern)
}

func checkPattern(text string) error {
	_, err := pattern.Parse(text)
	switch {
	case errors.Is(err, pattern.ErrUnsupported):
		return wire.NotImplemented("In an event pattern " + strings.TrimSuffix(err.Error(), " is "+pattern.ErrUnsupported.Error()))
	case err != nil:
		return wire.Errorf("InvalidEventPatternException", "Event pattern is not valid. Reason: %s", err)
	}
	return nil
}

type ruleIn struct {
	Name, EventBusName string
	Force              bool
}

type ruleOut struct {
	Name, Arn, EventPattern, State, EventBusName string
	Description                                  string `json:",omitempty"`
}

type describeRuleOut struct {
	ruleOut
	CreatedBy string
}

func (s *Service) describeRule(ctx context.Context, in *ruleIn) (*describeRuleOut, error) {
	r, err := s.find(ctx, in.EventBusName, in.Name)
	if err != nil {
		return nil, err
	}
	return &describeRuleOut{s.shown(r), s.account(r)}, nil
}

func (s *Service) shown(r rule) ruleOut {
	return ruleOut{
		Name: r.Name, Arn: s.ruleARN(r), EventPattern: r.EventPattern, State: r.state(), EventBusName: busName,
		Description: r.Description,
	}
}

func (s *Service) find(ctx context.Context, bus, name string) (r rule, err error) {
	if err := s.checkBus(ctx, bus); err != nil {
		return r, err
	}
	err = s.env.DB.View(func(tx *store.Tx) (err error) {
		r, err = namedRule(tx, s.stored(ctx), name)
		return err
	})
	return r, err
}

func namedRule(tx *store.Tx, account, name string) (rule, error) {
	r, found, err := store.GetJSON[rule](rulesIn(tx), rule{Name: name, Account: account}.key())
	if err == nil && !found {
		err = wire.Errorf("ResourceNotFoundException", "Rule %s does not exist on EventBus %s.", name, busName)
	}
	return r, err
}

func (s *Service) change(ctx context.Context, bus, name string, fn func(*rule) error) error {
	if err := s.checkBus(ctx, bus); err != nil {
		return err
	}
	return s.env.DB.Update(func(tx *store.Tx) error {
		r, err := namedRule(tx, s.stored(ctx), name)
		if err != nil {
			return err
		}
		if err := fn(&r); err != nil {
			return err
		}
		b := rulesIn(tx)
		return store.PutJSON(b, r.key(), r)
	})
}

type listRulesIn struct {
	EventBusName, NamePrefix, NextToken string
	Limit                               *int
}

type listRulesOut struct {
	Rules     []ruleOut
	NextToken string `json:",omitempty"`
}

func (s *Service) listRules(ctx context.Context, in *listRulesIn) (*listRulesOut, error) {
	if err := s.checkBus(ctx, in.EventBusName); err != nil {
		return nil, err
	}
	all, err := s.rules(s.stored(ctx))
	if err != nil {
		return nil, err
	}
	out := &listRulesOut{Rules: []ruleOut{}}
	for _, r := range all {
		if strings.HasPrefix(r.Name, in.NamePrefix) {
			out.Rules = append(out.Rules, s.shown(r))
		}
	}
	out.Rules, out.NextToken, err = page(out.Rules, func(r ruleOut) string { return r.Name }, in.NextToken, in.Limit)
	return out, err
}

// rules lists those of an account, as rules have it.
func (s *Service) rules(account string) (all []rule, err error) {
	err = s.env.DB.View(func(tx *store.Tx) (err error) {
		all, err = store.AllJSON[rule](rulesIn(tx))
		return err
	})
	return ofAccount(all, account), err
}

func ofAccount(all []rule, account string) []rule {
	return slices.DeleteFunc(all, func(r rule) bool { return r.Account != account })
}

type nothing struct{}

func (s *Service) enableRule(ctx context.Context, in *ruleIn) (*nothing, error) {
	return &nothing{}, s.change(ctx, in.EventBusName, in.Name, func(r *rule) error { r.Disabled = false; return nil })
}

func (s *Service) disableRule(ctx context.Context, in *ruleIn) (*nothing, error) {
	return &nothing{}, s.change(ctx, in.EventBusName, in.Name, func(r *rule) error { r.Disabled = true; return nil })
}

// deleteRule succeeds if there is no such rule, as on AWS.
func (s *Service) deleteRule(ctx context.Context, in *ruleIn) (*nothing, error) {
	if err := s.checkBus(ctx, in.EventBusName); err != nil {
		return nil, err
	}
	return &nothing{}, s.env.DB.Update(func(tx *store.Tx) error {
		key := rule{Name: in.Name, Account: s.stored(ctx)}.key()
		r, found, err := store.GetJSON[rule](rulesIn(tx), key)
		switch {
		case err != nil, !found:
			return err
		case len(r.Targets) > 0:
			return invalid("Rule can't be deleted since it has targets.")
		}
		return rulesIn(tx).Delete([]byte(key))
	})
}
