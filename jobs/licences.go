package jobs

import (
	"context"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/state"
)

// tellOfLicence tells the account what it should have because of the licence, or tells the
// licence that the account has given it up. It is done once both agree.
func (d DueRows) tellOfLicence(ctx context.Context, row found) (done bool, err error) {
	if !row.Stream.IsLicence() {
		return false, errUnknownKind
	}
	facts, err := d.Journal.Read(ctx, row.Stream, 0)
	if err != nil {
		return false, err
	}
	history, err := d.Accounts.Account(ctx, row.Account)
	if err != nil {
		return false, err
	}
	licence, account := state.FoldLicence(row.Stream, facts), history.Account
	if licence.NotUnderstood != "" || account.NotUnderstood != "" {
		return false, errUnknownKind
	}
	recorded := account.Licences[row.Stream]
	givenUp := account.Standing.Leaving() || recorded.Released && recorded.Sequence >= licence.AccessSequence
	var fact events.Event
	switch {
	case givenUp && licence.Claim.Account == row.Account:
		fact = events.Event{
			ID: row.at.SK, Source: "/gatehouse/jobs", Subject: portal.AccountStream(row.Account), Time: d.Now().UTC(), Correlation: row.Correlation,
			Data: events.LicenceAccessSet{Licence: row.Stream, Released: true},
		}
	case !givenUp && row.Opened == licence.AccessSequence && row.Opened > recorded.Sequence:
		fact = facts[row.Opened-1]
		fact.Source = "/gatehouse/jobs"
	default:
		return true, nil
	}
	news, ok := fact.LicenceNews(row.Asked + 1)
	if !ok {
		return true, nil
	}
	return false, portal.Postpone("the queues do not answer", d.Sender.Send(ctx, news))
}
