package notices

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/records"
	"github.com/gatehouse-portal/gatehouse/schema"
)

const (
	// newcomerFacts is how many facts a newcomer's first notice comes with at most, and newFor how old
	// that notice's fact is at most.
	newcomerFacts = 25
	newFor        = time.Minute
)

// tellNewcomer writes the first notices of an account without reading where they go: it guesses that
// the account has chosen no settings and has no webhook. The transaction fails if it has, or if it was
// told something before. done is false if the guess is unlikely or wrong; nothing is written then.
func (n *Notifier) tellNewcomer(ctx context.Context, account portal.AccountID, msg events.Event) (done bool, err error) {
	if msg.Sequence == 0 || msg.Sequence > newcomerFacts || n.Now().Sub(msg.Time).Abs() > newFor {
		return false, nil
	}
	history, err := n.Accounts.AccountSince(ctx, account, 0, msg)
	if err != nil || !isFirst(history, msg) {
		return false, err
	}
	upTo, found := n.untold(history, 0)
	writes, wakeUps := n.together(account, recipient{}, upTo, found)
	if len(found) == 0 || len(writes)+2 > maxTogether {
		return false, nil
	}
	err = n.Store.rows.Transact(ctx, "writing the first notices of "+string(account), append(writes,
		records.Write{Key: schema.NoticeSettings(account), Check: true, If: records.Missing},
		records.Write{Key: schema.WebhookCount(account), Check: true, If: records.Missing},
	)...)
	if errors.Is(err, records.ErrRefused) {
		return false, nil
	}
	if err := n.ask(ctx, wakeUps, err); err != nil {
		return false, err
	}
	n.memory.remember(account, upTo, n.Now())
	return true, nil
}

// isFirst reports whether the message is about the first of an account's facts that makes notices.
func isFirst(history accounts.History, msg events.Event) bool {
	return !slices.ContainsFunc(history.Facts, func(fact events.Event) bool {
		return fact.Sequence < msg.Sequence && len(sources()[fact.Type()]) > 0 && !makesNoNotice(fact)
	})
}
