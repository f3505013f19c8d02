package transport

import (
	"errors"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
)

var errUnanswered = errors.New("it was not answered for")

// answers collects what a batch request says of each of its entries, whose ids are
// their places in the batch. An entry that nothing is said of counts as refused, so
// that it is sent again rather than taken for sent.
type answers []refusal

func newAnswers(entries int) answers {
	a := make(answers, entries)
	for i := range a {
		a[i] = refusal{index: i, err: errUnanswered}
	}
	return a
}

func (a answers) confirmed(id *string) {
	if i, ok := a.place(id); ok {
		a[i].err = nil
	}
}

func (a answers) refused(id *string, final bool, err error) {
	if i, ok := a.place(id); ok {
		a[i].final, a[i].err = final, err
	}
}

func (a answers) place(id *string) (int, bool) {
	i, err := strconv.Atoi(aws.ToString(id))
	return i, err == nil && i >= 0 && i < len(a)
}

// refusals are the entries that were not confirmed, in order.
func (a answers) refusals() []refusal {
	var refused []refusal
	for _, answer := range a {
		if answer.err != nil {
			refused = append(refused, answer)
		}
	}
	return refused
}
