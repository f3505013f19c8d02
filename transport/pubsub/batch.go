package pubsub

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// maxBatch is the most entries of any SQS or SNS batch request.
const maxBatch = 10

// refusal is AWS's answer for one entry of a batch.
type refusal struct {
	index int
	// final: it was refused for what it is, so sending it again is no use.
	final bool
	err   error
}

var errUnanswered = errors.New("it was not answered for")

// entryID is the id of a batch's entry: its place in the batch.
func entryID(place int) *string { return aws.String(strconv.Itoa(place)) }

// refusalsOf reads the answer to a batch request and returns the entries that were not
// confirmed, in order. An entry that the answer leaves out counts as refused, so that it
// is sent again rather than taken for sent.
func refusalsOf[T any](entries int, confirmed []T, id func(T) *string, failed []types.BatchResultErrorEntry) []refusal {
	answers := allRefused(entries, errUnanswered)
	answer := func(id *string) *refusal {
		i, err := strconv.Atoi(aws.ToString(id))
		if err != nil || i < 0 || i >= len(answers) {
			return &refusal{} // of no entry of ours
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
	return slices.DeleteFunc(answers, func(r refusal) bool { return r.err == nil })
}

// allRefused is the answer for a batch that failed as a whole.
func allRefused(n int, err error) []refusal {
	all := make([]refusal, n)
	for i := range all {
		all[i] = refusal{index: i, err: err}
	}
	return all
}

// entryError is the error of one entry, in AWS's words.
func entryError(code, text string) error {
	if text == "" {
		return fmt.Errorf("refused with %s", code)
	}
	return fmt.Errorf("refused with %s: %s", code, text)
}
