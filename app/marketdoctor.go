package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/marketplace/metering"
	"github.com/gatehouse-portal/gatehouse/marketplace/reconcile"
	"github.com/gatehouse-portal/gatehouse/marketplace/seller"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// ExamineMarketplace checks all that selling plans on AWS Marketplace needs. It changes nothing, unless
// send is above 0: then it sends test notices, which workers record, and waits for them that long.
func ExamineMarketplace(ctx context.Context, p Process, send time.Duration) []Check {
	m, sellerErr, err := openMarket(ctx, p)
	if err != nil {
		return []Check{{What: "AWS", Problem: inWords(err)}, {What: "everything about AWS Marketplace", Skipped: "AWS cannot be used"}}
	}
	plans, sold := m.examinePlans(ctx)
	if len(sold) == 0 && !m.used() {
		return append(plans, Check{What: "everything else", Skipped: "no plan is sold on AWS Marketplace, and none of its settings is set"})
	}
	checks := []Check{m.settings(len(sold) > 0), sellerCheck(m, sellerErr)}
	resources := []resource{m.queueAdmits(), m.estate.queue(DeadLetterQueue(m.names.Marketplace))}
	if sellerErr == nil {
		resources = slices.Concat([]resource{m.resolves(), m.agreements()}, resources, m.sources())
	} else {
		checks = append(checks, Check{What: "ResolveCustomer, Agreement API, topics and rule", Skipped: "the seller's account cannot be used"})
	}
	checks = append(checks, examineAll(ctx, append(resources, m.meteringRegion(), m.lastMetering(), m.lastReconciliation()))...)
	checks = append(checks, plans...)
	for _, a := range arrivals(sold, p.Config.BaseURL) {
		checks = append(checks, Check{What: "listing " + string(a.Product), Note: "its fulfillment URL in the AWS Marketplace Management Portal must be " + a.URL + dimensionNote(a.Dimension)})
	}
	if send > 0 {
		checks = append(checks, m.sendTests(ctx, sellerErr == nil, send)...)
	}
	return checks
}

func dimensionNote(dimension string) string {
	if dimension == "" {
		return ""
	}
	return ", and it needs the dimension " + dimension
}

// used reports whether a setting of AWS Marketplace is set.
func (m market) used() bool {
	return m.cfg.MarketplaceRole != "" || len(m.origins.Topics)+len(m.origins.Accounts) > 0
}

func (m market) settings(sells bool) Check {
	check := Check{What: "origins of notices"}
	switch topics, accounts := len(m.origins.Topics), len(m.origins.Accounts); {
	case topics+accounts > 0:
		check.Note = fmt.Sprintf("topics in GATEHOUSE_MARKETPLACE_TOPICS: %d; event buses in GATEHOUSE_MARKETPLACE_ACCOUNTS: %d", topics, accounts)
	case sells:
		check.Problem = "Neither GATEHOUSE_MARKETPLACE_TOPICS nor GATEHOUSE_MARKETPLACE_ACCOUNTS is set, so no notice counts, and no buyer gets access."
		check.Advice = "Run `gatehouse marketplace subscribe --product CODE --notices KIND`, which prints what to set. KIND is sns for an older listing with topics, and eventbridge for one that AWS made since June 2026."
	default:
		check.Note = "none is set"
	}
	return check
}

func sellerCheck(m market, sellerErr error) Check {
	check := Check{What: "seller's account"}
	switch {
	case sellerErr != nil:
		check.Problem, check.Advice = inWords(sellerErr), "docs/marketplace.md#permissions has the trust policy and the permissions."
	case m.cfg.MarketplaceRole == "":
		check.Note = fmt.Sprintf("%s, the account of these credentials, since GATEHOUSE_MARKETPLACE_ROLE_ARN is not set", m.seller.account)
	default:
		check.Note = m.seller.account + ", as " + m.seller.principal
		if m.seller.account != m.owner.account {
			check.Note += fmt.Sprintf("; topics and event bus are there, and the portal's queue is in %s", m.owner.account)
		}
	}
	wrong := slices.ContainsFunc(m.origins.Accounts, func(a portal.AWSAccount) bool { return string(a) == m.seller.account })
	if sellerErr == nil && len(m.origins.Accounts) > 0 && !wrong {
		check.Problem = fmt.Sprintf("The seller is the AWS account %s, and GATEHOUSE_MARKETPLACE_ACCOUNTS lists other accounts only.", m.seller.account)
		check.Advice = "Correct GATEHOUSE_MARKETPLACE_ACCOUNTS or GATEHOUSE_MARKETPLACE_ROLE_ARN, for portal and workers."
	}
	return check
}

// meteringRegion compares the Region with that of the ledger. AWS finds duplicates in one Region only.
func (m market) meteringRegion() resource {
	return resource{what: "Region of metering", inspect: func(ctx context.Context) (finding, error) {
		configured := m.cfg.MarketplaceRegion
		began, err := metering.NewLedger(m.dynamodb, m.names.Usage).Region(ctx)
		var noTable *ddbtypes.ResourceNotFoundException
		switch {
		case errors.As(err, &noTable):
			return finding{}, blocked("the table " + m.names.Usage + " does not exist")
		case err != nil:
			return finding{}, err
		case began == "":
			return finding{note: configured + "; nothing has been metered yet"}, nil
		case began != configured:
			return found(fault{
				says:   fmt.Sprintf("Usage was metered in %s, and GATEHOUSE_MARKETPLACE_REGION is %s, so nothing is metered now. AWS could bill usage twice in two Regions.", began, configured),
				advice: "Set it back for portal and workers:\nGATEHOUSE_MARKETPLACE_REGION=" + began,
			})
		}
		return finding{note: configured + ", as in the ledger"}, nil
	}}
}

// noToken is a registration token that AWS Marketplace has never issued.
const noToken = "gatehouse-doctor-no-such-token"

// resolves asks about a token that does not exist. AWS says so only to a caller that may ask.
func (m market) resolves() resource {
	return resource{what: "ResolveCustomer", inspect: func(ctx context.Context) (finding, error) {
		_, err := newSeller(m.process).Resolve(ctx, noToken)
		if errors.Is(err, seller.ErrInvalidToken) || errors.Is(err, seller.ErrExpiredToken) {
			return finding{note: "answers in " + m.cfg.MarketplaceRegion}, nil
		}
		return m.callFault(err, "aws-marketplace:ResolveCustomer")
	}}
}

// agreements reads the agreements of the last minute.
func (m market) agreements() resource {
	return resource{what: "Agreement API", inspect: func(ctx context.Context) (finding, error) {
		if len(m.origins.Accounts) == 0 {
			return finding{}, blocked("it is only used with GATEHOUSE_MARKETPLACE_ACCOUNTS")
		}
		err := newSeller(m.process).Updated(ctx, m.process.now()().Add(-time.Minute), func(seller.Agreement) error { return errEnough })
		if err == nil || errors.Is(err, errEnough) {
			return finding{note: "answers in " + m.cfg.MarketplaceRegion}, nil
		}
		return m.callFault(err, "aws-marketplace:SearchAgreements")
	}}
}

// callFault says why a call of AWS Marketplace failed.
func (m market) callFault(err error, permission string) (finding, error) {
	switch {
	case errors.Is(err, seller.ErrDisabled):
		return found(fault{
			says:   "AWS Marketplace has disabled this call in " + m.cfg.MarketplaceRegion + ".",
			advice: "Set GATEHOUSE_MARKETPLACE_REGION to a Region where AWS Marketplace has it, such as us-east-1. Do not change it once usage is metered.",
		})
	case errors.Is(err, seller.ErrDenied):
		return found(fault{
			says:   fmt.Sprintf("The seller (%s) cannot be used, or lacks %s.", m.sellersName(), permission),
			advice: "docs/marketplace.md#permissions has the trust policy and the permissions.",
		})
	case errors.Is(err, seller.ErrThrottled):
		return finding{note: "AWS Marketplace throttles the calls now; try again in a minute"}, nil
	case errors.Is(err, seller.ErrRefused):
		return found(fault{says: "AWS Marketplace refuses the call.", advice: "The AWS account may not be registered as a seller. Register it in the AWS Marketplace Management Portal."})
	}
	return found(fault{says: "AWS Marketplace does not answer.", advice: "Check the network, GATEHOUSE_MARKETPLACE_REGION, and https://health.aws.amazon.com."})
}

// queueAdmits is the queue, with a policy that lets in the listed origins and nobody else.
func (m market) queueAdmits() resource {
	queue := m.estate.queue(m.names.Marketplace)
	return resource{what: queue.what, inspect: func(ctx context.Context) (finding, error) {
		seen, err := queue.inspect(ctx)
		if err != nil || slices.ContainsFunc(seen.faults, func(f fault) bool { return f.mending == createIt }) {
			return seen, err
		}
		strangers, err := m.strangers(ctx)
		if len(strangers) > 0 {
			seen.faults = append(seen.faults, fault{
				says:   "Its access policy lets in more than the listed topics and event buses: " + strings.Join(strangers, ", ") + ". Workers refuse what comes from there, and it becomes dead letters.",
				advice: "Remove these statements from the policy, or list the topics in GATEHOUSE_MARKETPLACE_TOPICS and run `gatehouse setup`.",
			})
		}
		return seen, err
	}}
}

// strangers lists the statements of the queue's policy that let in other services, or everybody.
func (m market) strangers(ctx context.Context) ([]string, error) {
	policy, err := m.policyOf(ctx, m.names.Marketplace)
	if err != nil {
		return nil, err
	}
	statements, err := statementsOf(policy)
	if err != nil {
		return nil, fmt.Errorf("reading the access policy of queue %s: %w", m.names.Marketplace, err)
	}
	wanted := m.admitted(m.names.Marketplace)
	var all []string
	for _, s := range statements {
		ours := slices.ContainsFunc(wanted, func(a admission) bool { return a.statement["Sid"] == s["Sid"] })
		if s["Effect"] == "Allow" && !ours && open(s["Principal"]) {
			all = append(all, fmt.Sprintf("statement %q", fmt.Sprint(s["Sid"])))
		}
	}
	return all, nil
}

// open reports whether a principal is everybody or a service.
func open(principal any) bool {
	named, ok := principal.(map[string]any)
	if !ok {
		return principal == "*"
	}
	return named["Service"] != nil || slices.Contains(texts(named["AWS"]), "*")
}

// sources are the topics and the rule that feed the queue.
func (m market) sources() []resource {
	var all []resource
	for _, topic := range m.origins.Topics {
		all = append(all, m.subscribed(topic))
	}
	if len(m.origins.Accounts) > 0 {
		all = append(all, m.rule())
	}
	if len(all) > 0 {
		all = append(all, m.nothingUndelivered())
	}
	return all
}

const (
	// lateMetering is how long ago the last run of the job metering may have ended.
	lateMetering = 3 * metering.Every
	// refusalTime is for how long a record that AWS does not bill counts as a fault.
	refusalTime = 24 * time.Hour
)

func (m market) lastMetering() resource {
	return resource{what: "metering", inspect: func(ctx context.Context) (finding, error) {
		last, found, err := metering.Last(ctx, jobs.NewScratch(m.dynamodb, m.names.Records, m.process.now()))
		var noTable *ddbtypes.ResourceNotFoundException
		switch {
		case errors.As(err, &noTable):
			return finding{}, blocked("the table " + m.names.Records + " does not exist")
		case err != nil:
			return finding{}, err
		case !found:
			return finding{note: "has not run yet; a worker runs it every 15 minutes"}, nil
		}
		return m.inspectMetering(last)
	}}
}

func (m market) inspectMetering(last metering.Result) (finding, error) {
	var faults []fault
	if last.Problem != "" {
		faults = append(faults, fault{says: "It failed on " + dateAndTime(last.Ended) + ": " + last.Problem, advice: "Correct that. A worker tries again within 15 minutes."})
	}
	if last.Failed > 0 {
		faults = append(faults, fault{says: fmt.Sprintf("Licences whose usage cannot be metered: %d.", last.Failed), advice: "The workers' log names each licence and the reason."})
	}
	now := m.process.now()()
	if now.Sub(last.Ended) > lateMetering {
		faults = append(faults, fault{
			says:   "The last run ended on " + dateAndTime(last.Ended) + ", and one is due every 15 minutes.",
			advice: "Start a worker (bin/worker). If one is running, its log says why the job metering does not get on.",
		})
	}
	if !last.LastRefused.IsZero() && now.Sub(last.LastRefused) < refusalTime {
		faults = append(faults, fault{
			says:   "AWS Marketplace did not bill usage that was sent to it on " + dateAndTime(last.LastRefused) + ".",
			advice: "`gatehouse marketplace reconcile` says for which licences and why, and docs/runbook.md#usage-that-is-not-billed what to do.",
		})
	}
	if len(faults) > 0 {
		return found(faults...)
	}
	return finding{note: "last on " + dateAndTime(last.Ended)}, nil
}

// lateReconciliation is how long ago the last comparison with AWS's agreements may have ended.
const lateReconciliation = 3 * reconcile.Every

func (m market) lastReconciliation() resource {
	return resource{what: "comparison with AWS's agreements", inspect: func(ctx context.Context) (finding, error) {
		if len(m.origins.Accounts) == 0 {
			return finding{}, blocked("it only runs with GATEHOUSE_MARKETPLACE_ACCOUNTS")
		}
		last, found, err := reconcile.Last(ctx, jobs.NewScratch(m.dynamodb, m.names.Records, m.process.now()))
		var noTable *ddbtypes.ResourceNotFoundException
		switch {
		case errors.As(err, &noTable):
			return finding{}, blocked("the table " + m.names.Records + " does not exist")
		case err != nil:
			return finding{}, err
		case !found:
			return finding{note: "has not run yet; a worker runs it every hour"}, nil
		}
		return m.inspectReconciliation(last)
	}}
}

func (m market) inspectReconciliation(last reconcile.Result) (finding, error) {
	when := dateAndTime(last.Ended)
	switch {
	case last.Problem != "":
		return found(fault{says: "It failed on " + when + ": " + last.Problem, advice: "Correct that. A worker tries again within the hour."})
	case m.process.now()().Sub(last.Ended) > lateReconciliation:
		return found(fault{says: "The last one ended on " + when + ", and one is due every hour.", advice: "Start a worker (bin/worker). If one is running, its log says why the job marketplace does not get on."})
	}
	return finding{note: fmt.Sprintf("last on %s; agreements: %d; lost notices sent: %d", when, last.Agreements, last.Sent)}, nil
}

// examinePlans checks the usage plans that are sold.
func (m market) examinePlans(ctx context.Context) ([]Check, []soldPlan) {
	sold, err := m.sold(ctx)
	switch {
	case errors.Is(err, errNotSetUp):
		return []Check{{What: "plans", Skipped: "Gatehouse is not set up here; run `gatehouse setup`"}}, nil
	case err != nil:
		return []Check{{What: "plans", Problem: inWords(err)}}, nil
	case len(sold) == 0:
		return []Check{{What: "plans", Note: "none is sold on AWS Marketplace"}}, nil
	}
	codes, err := m.readProductCodes(ctx)
	var busy *portal.Postponed
	switch {
	case errors.As(err, &busy) && busy.Err == nil:
		return []Check{{What: "plans", Note: "not compared with API Gateway, since the budget is used up right now"}}, sold
	case err != nil:
		return []Check{{What: "plans", Problem: inWords(err)}}, sold
	}
	var resources []resource
	for _, plan := range sold {
		resources = append(resources, codes.plan(plan))
	}
	return examineAll(ctx, resources), sold
}

// marketplaceOf is the one line about AWS Marketplace among the checks of everything.
func marketplaceOf(e estate, p Process) resource {
	m := market{estate: e, process: p, origins: p.Config.MarketplaceOrigins()}
	return resource{what: "AWS Marketplace", inspect: func(ctx context.Context) (finding, error) {
		sold, err := m.sold(ctx)
		switch {
		case errors.Is(err, errNotSetUp):
			return finding{}, blocked("one of the tables does not exist")
		case err != nil:
			return finding{}, err
		case len(sold) == 0 && !m.used():
			return finding{note: "not used"}, nil
		}
		if metered, err := m.lastMetering().inspect(ctx); err == nil && len(metered.faults) > 0 {
			return found(fault{says: "Metering: " + metered.faults[0].says, advice: "`gatehouse marketplace doctor` says what to do."})
		}
		if compared, err := m.lastReconciliation().inspect(ctx); err == nil && len(compared.faults) > 0 {
			return found(fault{says: "Comparing purchases with AWS's agreements: " + compared.faults[0].says, advice: "`gatehouse marketplace doctor` says what to do."})
		}
		return finding{note: fmt.Sprintf("plans sold there: %d; `gatehouse marketplace doctor` checks what they need", len(sold))}, nil
	}}
}
