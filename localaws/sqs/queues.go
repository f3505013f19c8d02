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
	env    wire.Env
	byName map[string]*queue
	// deleted holds the time of deletion by name.
	deleted    map[string]time.Time
	tasks      []*moveTask
	oldReceipt func(operation string) bool
}

func (all *queues) byARN(arn string) (*queue, bool) {
	name, ok := strings.CutPrefix(arn, all.env.ARN("sqs", ""))
	if !ok {
		return nil, false
	}
	q, ok := all.byName[name]
	return q, ok
}

// byURL uses only account and name in the URL's path. Any host works, and so does a bare name.
func (all *queues) byURL(queueURL string) (*queue, error) {
	if queueURL == "" {
		return nil, missingParameter("QueueUrl")
	}
	if q, ok := all.byName[queueURL]; ok {
		return q, nil
	}
	u, err := url.Parse(queueURL)
	if err != nil {
		return nil, queueDoesNotExist()
	}
	account, name, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	q, ok := all.byName[name]
	if !ok || account != all.env.Account {
		return nil, queueDoesNotExist()
	}
	return q, nil
}

func (all *queues) url(q *queue) string {
	return all.env.Endpoint() + "/" + all.env.Account + "/" + q.Name
}

const pageSize = 1000

// page orders by name. Only a request with a size gets a token.
func (all *queues) page(size *int, token string, match func(*queue) bool) (urls []string, next string, err error) {
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
		if name <= string(after) || !match(all.byName[name]) {
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
