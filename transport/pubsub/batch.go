package pubsub

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// maxBatch is AWS's limit.
const maxBatch = 10

type failedEntry struct {
	index int
	final bool
	err   error
}

var errUnanswered = errors.New("AWS's answer leaves it out")

func entryID(place int) *string { return aws.String(strconv.Itoa(place)) }

func failedEntries[T any](entries int, confirmed []T, id func(T) *string, failed []types.BatchResultErrorEntry) []failedEntry {
	answers := allFailed(entries, errUnanswered)
	answer := func(id *string) *failedEntry {
		i, err := strconv.Atoi(aws.ToString(id))
		if err != nil || i < 0 || i >= len(answers) {
			return &failedEntry{} // not an entry of ours
		}
		return &answers[i]
	}
	for _, ok := range confirmed {
		answer(id(ok)).err = nil
	}
	for _, no := range failed {
		a := answer(no.Id)
		a.final, a.err = no.SenderFault, entryError(aws.ToString(no.Code), aws.ToString(no.Message))
	}
	return slices.DeleteFunc(answers, func(r failedEntry) bool { return r.err == nil })
}

func allFailed(n int, err error) []failedEntry {
	all := make([]failedEntry, n)
	for i := range all {
		all[i] = failedEntry{index: i, err: err}
	}
	return all
}

func entryError(code, text string) error {
	if text == "" {
		return fmt.Errorf("AWS answered %s", code)
	}
	return fmt.Errorf("AWS answered %s: %s", code, text)
}
