package app

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/jobs"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/buyers"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
	"github.com/gatehouse-portal/gatehouse/marketplace/reconcile"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

func TestANoticeAboutAnAgreementBringsBackTheLostOneAboutItsLicence(t *testing.T) {
	t.Parallel()
	p := testProcess(t, "GATEHOUSE_MARKETPLACE_ACCOUNTS="+localaws.Account)
	p.PollWait = time.Second
	facts, c, names := working(t, p), newClients(p.AWS), NamesFor(p.Config.Prefix)
	eventually(t, "the first run is over", func() bool {
		run, err := jobs.NewRuns(c.dynamodb, names.Records).Load(t.Context(), marketplaceJob)
		ok(t, err)
		return !run.Ended.IsZero()
	})

	// No rule sends the events of the local event bus on, so all notices are lost.
	market := buyers.New(aws.ToString(p.AWS.BaseEndpoint))
	_, err := market.PutProduct(t.Context(), marketplace.Product{Code: "code", Kind: marketplace.EventBridge, Dimensions: []string{"requests"}})
	ok(t, err)
	bought, err := market.Subscribe(t.Context(), marketplace.Order{Product: "code", Paid: true})
	ok(t, err)
	sent, err := market.Notices(t.Context())
	ok(t, err)
	if sent[0].Type != marketplace.AgreementCreated {
		t.Fatalf("the first notice is %s", sent[0].Type)
	}
	queue, err := c.sqs.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &names.Marketplace})
	ok(t, err)
	_, err = c.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: &sent[0].Body})
	ok(t, err)

	stream := portal.LicenceStream(portal.LicenceID(bought.Licence))
	eventually(t, "the licence is active", func() bool {
		history, err := facts.Read(t.Context(), stream, 0)
		ok(t, err)
		return state.FoldLicence(stream, history).Status == events.LicenceActive
	})
}

func TestNoticesThatComeTogetherShareARunThatBeginsAfterThem(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 27, 16, 0, 3, 5, time.UTC)
	first, second, later := reconciliation(at), reconciliation(at.Add(6*time.Second)), reconciliation(at.Add(7*time.Second))
	if first.ID != second.ID || second.ID == later.ID || !first.Time.After(at.Add(6*time.Second)) || first.Time.Sub(at) > demandEvery {
		t.Errorf("the demands are %s at %s, %s, and %s at %s", first.ID, first.Time, second.ID, later.ID, later.Time)
	}
}

func TestWithoutAnEventBusNoAgreementsAreRead(t *testing.T) {
	t.Parallel()
	for setting, runs := range map[string]bool{
		"GATEHOUSE_MARKETPLACE_TOPICS=arn:aws:sns:us-east-1:287250355862:aws-mp-subscription-notification-code": true,
		"GATEHOUSE_MARKETPLACE_TOPICS=": false,
	} {
		p := testProcess(t, setting)
		ok(t, Setup(t.Context(), p.AWS, p.Config))
		worker, err := NewWorker(t.Context(), p)
		ok(t, err)
		err = worker.runner.Handle(t.Context(), jobs.Demand(marketplaceJob, "d", "d", time.Now()))
		if postponed := new(portal.Postponed); errors.As(err, &postponed) == runs {
			t.Errorf("%s: the worker answers %v", setting, err)
		}
		if last, found, err := reconcile.Last(t.Context(), jobs.NewScratch(newClients(p.AWS).dynamodb, NamesFor(p.Config.Prefix).Records, time.Now)); runs && (err != nil || !found || last.Agreements > 0 || last.Problem != "") {
			t.Errorf("%s: the last run is %+v, %t, %v", setting, last, found, err)
		}
	}
}
