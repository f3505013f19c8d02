package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/gatehouse-portal/gatehouse/marketplace/notice"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// NoticePattern is the event pattern of the rule that sends the events of AWS Marketplace to the queue. It
// lets test notices through, too.
func NoticePattern() string {
	pattern, _ := json.Marshal(map[string][]string{
		"source":      {notice.EventSource, notice.TestSource},
		"detail-type": append(notice.TypesOfEvents(), notice.TestType),
	})
	return string(pattern)
}

// route is a rule of the default bus that sends to the queue, or to a topic before it.
type route struct {
	name, pattern, target string
	// role is that as which EventBridge sends to the target, "" for none.
	role     string
	disabled bool
	// deadLetters is the target's dead-letter queue, "" if it has none.
	deadLetters string
}

// rule is the way of the events of AWS Marketplace from the seller's default bus to the queue. Set-up
// makes one rule of a fixed name, and leaves rules of other names alone.
func (m market) rule() resource {
	return resource{what: "rule of the event bus", inspect: func(ctx context.Context) (finding, error) {
		all, err := m.routes(ctx)
		if err != nil {
			return finding{}, m.inSellersWords(err)
		}
		if len(all) == 0 {
			return found(fault{
				says:   fmt.Sprintf("No rule of the default event bus of AWS account %s in %s sends the events of AWS Marketplace to %s.", m.seller.account, eventsRegion, nameOf(m.target())),
				advice: subscribeAdvice, mending: fmt.Sprintf("make the rule %s with the target %s", m.names.Marketplace, m.target()),
				mend: m.putRule,
			})
		}
		return m.inspectRoute(ctx, best(all))
	}}
}

// subscribeAdvice is for a listing that announces purchases by events.
const subscribeAdvice = "With the product code of the listing, run:\ngatehouse marketplace subscribe --product CODE --notices eventbridge --yes"

// best prefers a rule that is enabled.
func best(all []route) route {
	for _, one := range all {
		if !one.disabled {
			return one
		}
	}
	return all[0]
}

func (m market) inspectRoute(ctx context.Context, r route) (finding, error) {
	ours := r.name == m.names.Marketplace
	seen := finding{note: fmt.Sprintf("%s sends to %s", r.name, nameOf(r.target))}
	if r.disabled {
		seen.faults = append(seen.faults, fault{
			says: fmt.Sprintf("The rule %s is disabled, so no event of AWS Marketplace arrives.", r.name), mending: "enable the rule " + r.name,
			advice: fmt.Sprintf("Enable it:\naws events enable-rule --region %s --name %s", eventsRegion, r.name),
			mend: func(ctx context.Context) error {
				_, err := m.bus().EnableRule(ctx, &eventbridge.EnableRuleInput{Name: &r.name})
				return m.inSellersWords(err)
			},
		})
	}
	if f, is, err := m.acrossAccounts(ctx, r); err != nil {
		return finding{}, err
	} else if is {
		seen.faults = append(seen.faults, f)
	}
	if r.deadLetters == "" {
		f := fault{says: fmt.Sprintf("The rule %s has no dead-letter queue, so events that cannot be delivered are lost.", r.name), advice: "Give its target a dead-letter queue, a standard queue in " + eventsRegion + "."}
		if ours {
			f.mending, f.mend, f.advice = "have the rule keep what it cannot deliver in "+nameOf(m.undeliveredQueue()), m.putRule, subscribeAdvice
		}
		seen.faults = append(seen.faults, f)
	}
	var lost []string
	for _, detailType := range notice.TypesOfEvents() {
		matches, err := m.lets(ctx, r, notice.EventSource, detailType)
		if err != nil {
			return finding{}, m.inSellersWords(err)
		}
		if !matches {
			lost = append(lost, detailType)
		}
	}
	tests, err := m.lets(ctx, r, notice.TestSource, notice.TestType)
	switch {
	case err != nil:
		return finding{}, m.inSellersWords(err)
	case len(lost) > 0:
		f := fault{says: fmt.Sprintf("The pattern of the rule %s does not match: %s.", r.name, strings.Join(lost, ", ")), advice: "Give it this pattern:\n" + NoticePattern()}
		seen.faults = append(seen.faults, m.mendedIf(ours, f))
	case !tests && ours:
		f := fault{says: fmt.Sprintf("The pattern of the rule %s does not match test notices.", r.name), advice: subscribeAdvice}
		seen.faults = append(seen.faults, m.mendedIf(true, f))
	case !tests:
		seen.note += "; its pattern lets no test notices through"
	}
	return seen, nil
}

// mendedIf lets set-up mend the pattern of its own rule.
func (m market) mendedIf(ours bool, f fault) fault {
	if ours {
		f.mending, f.mend, f.advice = "correct the pattern of the rule "+m.names.Marketplace, m.putRule, subscribeAdvice
	}
	return f
}

// routes lists the rules of the default bus that send to the queue, or to a topic of the seller that
// does.
func (m market) routes(ctx context.Context) ([]route, error) {
	targets := append(m.forwards(), m.queue)
	var all []route
	in := &eventbridge.ListRulesInput{}
	for {
		page, err := m.bus().ListRules(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Rules {
			if aws.ToString(r.EventPattern) == "" || !strings.Contains(aws.ToString(r.EventPattern), notice.EventSource) {
				continue
			}
			target, err := m.targetAmong(ctx, aws.ToString(r.Name), targets)
			if err != nil {
				return nil, err
			}
			if target != nil {
				all = append(all, route{
					name: aws.ToString(r.Name), pattern: aws.ToString(r.EventPattern), target: aws.ToString(target.Arn), role: aws.ToString(target.RoleArn),
					disabled: r.State == types.RuleStateDisabled, deadLetters: deadLettersOf(target),
				})
			}
		}
		if in.NextToken = page.NextToken; aws.ToString(in.NextToken) == "" {
			return all, nil
		}
	}
}

func deadLettersOf(target *types.Target) string {
	if target.DeadLetterConfig == nil {
		return ""
	}
	return aws.ToString(target.DeadLetterConfig.Arn)
}

// acrossAccounts is the fault of a rule that sends to the queue of another AWS account directly. EventBridge can do that
// as a role that the queue's access policy lets in, and not otherwise (EventBridge User Guide, "Sending events to an AWS
// service in another account"). Set-up uses a topic instead.
func (m market) acrossAccounts(ctx context.Context, r route) (f fault, is bool, err error) {
	if accountOf(r.target) == m.seller.account {
		return fault{}, false, nil
	}
	f = fault{
		says:    fmt.Sprintf("The rule %s of AWS account %s sends to the queue of AWS account %s without a role, so EventBridge delivers nothing.", r.name, m.seller.account, accountOf(r.target)),
		advice:  fmt.Sprintf("Remove this target from the rule. %s\nThat makes a rule that sends through a topic.", subscribeAdvice),
		mending: "send to " + nameOf(m.ownTopic()) + " instead of the queue", mend: m.putRule,
	}
	if r.role != "" {
		admitted, err := m.admitsRole(ctx, r.role)
		if err != nil || admitted {
			return fault{}, false, err
		}
		f.says = fmt.Sprintf("The rule %s sends to the queue of AWS account %s as the role %s, which the queue's access policy does not let in. So EventBridge delivers nothing.", r.name, accountOf(r.target), r.role)
		f.advice = fmt.Sprintf("Let the role in with this statement, or remove this target from the rule and run `gatehouse marketplace subscribe`:\n%s", roleStatement(m.queue, r.role))
	}
	if r.name != m.names.Marketplace {
		f.mend, f.mending = nil, ""
	}
	return f, true, nil
}

func roleStatement(queue, role string) string {
	statement, _ := json.Marshal(map[string]any{
		"Sid": "MarketplaceRule", "Effect": "Allow", "Principal": map[string]any{"AWS": role}, "Action": "sqs:SendMessage", "Resource": queue,
	})
	return string(statement)
}

// admitsRole reports whether a statement of the queue's access policy names the role, or its account.
func (m market) admitsRole(ctx context.Context, role string) (bool, error) {
	policy, err := m.policyOf(ctx, m.names.Marketplace)
	if err != nil {
		return false, err
	}
	statements, err := statementsOf(policy)
	if err != nil {
		return false, fmt.Errorf("reading the access policy of queue %s: %w", m.names.Marketplace, err)
	}
	account := accountOf(role)
	return slices.ContainsFunc(statements, func(s map[string]any) bool {
		named, _ := s["Principal"].(map[string]any)
		return s["Effect"] == "Allow" && slices.ContainsFunc(texts(named["AWS"]), func(p string) bool {
			return p == role || p == account || p == fmt.Sprintf("arn:%s:iam::%s:root", partOf(role, 1), account)
		})
	}), nil
}

// targetAmong returns the rule's target that is among those, the first of them, and nil if none is. AWS allows five
// targets of a rule, so there is one page.
func (m market) targetAmong(ctx context.Context, rule string, targets []string) (*types.Target, error) {
	out, err := m.bus().ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: &rule})
	if err != nil {
		return nil, err
	}
	for _, wanted := range targets {
		if i := slices.IndexFunc(out.Targets, func(t types.Target) bool { return aws.ToString(t.Arn) == wanted }); i >= 0 {
			return &out.Targets[i], nil
		}
	}
	return nil, nil
}

// lets reports whether the rule matches an event of that source and type.
func (m market) lets(ctx context.Context, r route, source, detailType string) (bool, error) {
	event, err := m.event("test", source, detailType, map[string]any{"catalog": "AWSMarketplace"})
	if err != nil {
		return false, err
	}
	out, err := m.bus().TestEventPattern(ctx, &eventbridge.TestEventPatternInput{EventPattern: &r.pattern, Event: &event})
	if err != nil {
		return false, err
	}
	return out.Result, nil
}

// event is an event of the seller's bus as targets receive it.
func (m market) event(id, source, detailType string, detail map[string]any) (string, error) {
	body, err := json.Marshal(map[string]any{
		"version": "0", "id": id, "detail-type": detailType, "source": source, "account": m.seller.account,
		"time": m.process.now()().UTC().Format("2006-01-02T15:04:05Z"), "region": eventsRegion, "resources": []string{}, "detail": detail,
	})
	return string(body), err
}

func (m market) putRule(ctx context.Context) error {
	name, pattern, target := m.names.Marketplace, NoticePattern(), m.target()
	_, err := m.bus().PutRule(ctx, &eventbridge.PutRuleInput{
		Name: &name, EventPattern: &pattern, State: types.RuleStateEnabled,
		Description: aws.String("Sends the notices of AWS Marketplace to Gatehouse."),
	})
	if err != nil {
		return m.inSellersWords(err)
	}
	out, err := m.bus().PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: &name, Targets: []types.Target{{Id: aws.String("gatehouse"), Arn: &target, DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String(m.undeliveredQueue())}}}})
	switch {
	case err != nil:
		return m.inSellersWords(err)
	case out.FailedEntryCount > 0:
		return portal.Fail(portal.Unavailable, fmt.Sprintf("EventBridge does not take %s as the target of the rule %s (%s).", target, name, aws.ToString(out.FailedEntries[0].ErrorCode)))
	}
	return nil
}
