package main

import (
	"regexp"
	"strings"
)

// sense holds a word to the meaning that docs/glossary.md gives it. It also holds for the names
// of tests and of their cases.
type sense struct {
	// word is the word, with its neighbours where only those tell the meaning.
	word *regexp.Regexp
	// other matches the word in plain English, as in "stands for".
	other *regexp.Regexp
	// about is what a text with the word is about. Nil is anything.
	about  *regexp.Regexp
	advice string
}

var senses = []sense{
	{
		// Wishes, requests, operations and dead letters are open.
		word: words(`open(s|ed)? ((a|an|the|this|that|each|every|any|no|one|some|all|both|of|same|exactly|other|another|its|these|those) )*(plans?|stages?)` +
			`|plans? ((now|also|already|of the key|of (the|this|a) (catalog|portal)) )*opens|plans? (that )?(is|are|was|were) open` +
			`|keys? ((should|must|may|can|no longer) )*opens? (a|an|the|no|nothing|each|every)`),
		other:  words(`opened the (plan|stage)'s`),
		advice: `a plan covers stages; a key is in a plan, and API Gateway accepts the key for its stages`,
	},
	{
		word:   words(`stands?|stood`),
		other:  words(`(stands?|stood) (for|still|in for|alone)|stand-ins?`),
		advice: `say "is in force", "is kept" or "is"`,
	},
	{
		word:   words(`settl(e|es|ed|ing)`),
		about:  words(`letters?|replay(s|ed)?|discard(s|ed)?`),
		advice: `only dead letters are settled; say what happens: end, close, finish, wait`,
	},
	{
		word:   words(`withdr(aw|aws|awn|ew|awing|awals?)`),
		about:  words(`wish(es)?|subscriptions?|plans?|operations?`),
		advice: `only wishes are withdrawn; say "remove" or "take back"`,
	},
	{
		word:   words(`(AWS|API Gateway|SQS|SNS|DynamoDB|KMS|Cognito) (may )?rejects?|rejected by (AWS|API Gateway|SQS|SNS|DynamoDB|KMS|Cognito)`),
		advice: `a worker rejects a request; AWS refuses a call`,
	},
	{
		word:   words(`(older|newer|earlier|previous|this|an old|a new) releases?`),
		other:  words(`this release of (a|an|the|its) ((idle|unused) )?keys?`),
		advice: `say "version"; only keys are released`,
	},
	{
		word:   words(`shares? of (the |all )?(calls|requests|messages|runs|time|users|people)`),
		advice: `say "part"; the share is Gatehouse's part of AWS's quotas`,
	},
	{
		word:   words(`(lost|moved),? (or )?renamed|operations? (that |which )?(has|have|had|does|do|did) not moved?`),
		about:  words(`keys?`),
		advice: `only keys move, and subscriptions are lost; a plan gets other stages, an operation has no new step`,
	},
	{
		word:   words(`(error|message|wire|body|json|response) shapes?|shapes? of (the |its |an? )?(errors?|messages?|requests?|responses?|answers?|bod(y|ies)|json)`),
		advice: `say "format"; the shape is the version of the views' rows`,
	},
	{
		word:   words(`(time|memory|byte|line|size|node|error) budgets?|budgets? (for|of) (time|memory|bytes|lines|nodes|errors)`),
		advice: `say "limit"; the budget is of control-plane calls`,
	},
	{
		word:   words(`postpon(e|es|ed|ing) (a|an|the|its|each|every) ((due|job's|key's) )?(row|run|end|deletion|wish|retry|sweep)`),
		advice: `only messages are postponed; a row is put off, a wish waits`,
	},
	{
		word:   words(`park(s|ed|ing)? (a|an|the|its|each|every) (message|request|row|job|run|operation)`),
		advice: `only wishes are parked; say "keep" or "wait"`,
	},
	{
		word:   words(`strays? (file|byte|character|message|row|line|goroutine|process)(e?s)?`),
		advice: `say "unexpected" or "left over"; a stray is a key in API Gateway`,
	},
	{
		word:   words(`(free|spare|empty) slots?|slots? in (a|the|its) (list|index|queue|array|table|batch)`),
		advice: `say "place" or "period"; a slot is the period that a job's tick is for`,
	},
}

func (s sense) strayed(text string) [][]int {
	if s.about != nil && s.about.MatchString(text) {
		return nil
	}
	var plain [][]int
	if s.other != nil {
		plain = s.other.FindAllStringIndex(text, -1)
	}
	var found [][]int
	for _, at := range s.word.FindAllStringIndex(text, -1) {
		within := false
		for _, p := range plain {
			within = within || p[0] <= at[0] && at[1] <= p[1]
		}
		if !within {
			found = append(found, at)
		}
	}
	return found
}

var wordBegins = regexp.MustCompile(`([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])`)

// inWords spells out the name of a test: "a plan opens" for TestAPlanOpens.
func inWords(test string) string {
	return wordBegins.ReplaceAllString(wordBegins.ReplaceAllString(strings.TrimPrefix(test, "Test"), "$1$3 $2$4"), "$1$3 $2$4")
}
