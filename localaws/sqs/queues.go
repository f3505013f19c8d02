package sqs

import (
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type queues struct {
	env wire.Env
	// byName has the queues by queueKey.
	byName map[string]*queue
	// deleted holds the time of deletion by queueKey.
	deleted    map[string]time.Time
	tasks      []*moveTask
	oldReceipt func(operation string) bool
}

// key is the name of a queue, with the account before it if it is one of the others.
func (s settings) key() string { return wire.StoredKey(s.Account, s.Name) }

func (all *queues) named(account, name string) (*queue, bool) {
	q, ok := all.byName[wire.StoredKey(all.env.Stored(account), name)]
	return q, ok
}

func (all *queues) arn(s settings) string {
	return all.env.In(all.env.Owner(s.Account)).ARN("sqs", s.Name)
}

func (all *queues) byARN(arn string) (*queue, bool) {
	account := wire.AccountIn(arn)
	name, ok := strings.CutPrefix(arn, all.env.In(account).ARN("sqs", ""))
	if !ok {
		return nil, false
	}
	return all.named(account, name)
}

// byURL uses only account and name in the URL's path. Any host works, and so does a bare name. A queue of another
// account is refused, unless its policy lets the caller in.
func (all *queues) byURL(by caller, queueURL string) (*queue, error) {
	if queueURL == "" {
		return nil, missingParameter("QueueUrl")
	}
	if q, ok := all.named(by.account, queueURL); ok {
		return q, nil
	}
	u, err := url.Parse(queueURL)
	if err != nil {
		return nil, queueDoesNotExist()
	}
	account, name, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	q, ok := all.named(account, name)
	if !ok {
		return nil, queueDoesNotExist()
	}
	return q, q.admits(by)
}

func (all *queues) url(q *queue) string {
	return all.env.Endpoint() + "/" + all.env.Owner(q.Account) + "/" + q.Name
}

const pageSize = 1000

// page orders by name. Only a request with a size gets a token.
func (all *queues) page(by caller, size *int, token string, match func(*queue) bool) (urls []string, next string, err error) {
	limit := pageSize
	if size != nil {
		if limit = *size; limit < 1 || limit > pageSize {
			return nil, "", invalidValue(limit, "MaxResults", "MaxResults must be an integer between 1 and 1000.")
		}
	}
	after, err := base64.URLEncoding.DecodeString(token)
	if err != nil || (token != "" && size == nil) {
		return nil, "", invalidValue(token, "NextToken", "The token is invalid.")
	}
	urls = []string{}
	last := ""
	for _, name := range slices.Sorted(maps.Keys(all.byName)) {
		if name <= string(after) || all.byName[name].Account != all.env.Stored(by.account) || !match(all.byName[name]) {
			continue
		}
		if len(urls) == limit {
			if size != nil {
				next = base64.URLEncoding.EncodeToString([]byte(last))
			}
			break
		}
		urls = append(urls, all.url(all.byName[name]))
		last = name
	}
	return urls, next, nil
}
