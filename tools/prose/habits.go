package main

import "regexp"

type habit struct {
	pattern *regexp.Regexp
	advice  string
}

// habits are few: only those that are nearly always wrong, so that they need no exceptions.
var habits = []habit{
	// Vague subjects. The reader has to work out which part of the system is meant.
	{words(`whoever|whomever`), `name who it is: the worker, the caller, the operator`},
	{words(`(somebody|someone|anybody|those) who|who asks`), `name who it is: the person, the client, the admin`},
	{words(`whatever (is|was|are|were|has|had|it|they|this|else|goes|comes|happens)|whichever`), `name the thing, or say "any"`},
	{regexp.MustCompile(`(^\s*|[.!?]\s+)Whatever\s`), `name the thing, or say "any"`},
	{words(`by itself|of its own accord`), `say who does it: "the worker retries", "we retry automatically"`},

	// Idioms that are correct and that no engineer would say.
	{words(`not to be had`), `say "not available", "not found" or "already in use"`},
	{words(`anew|once more`), `say "again"`},
	{words(`(is|are|was) so (already|now)|what is so`), `say what holds`},
	{words(`goes by|went by`), `say "uses", "follows" or "is based on"`},
	{words(`(is|are) (of )?no use`), `say "is pointless" or "does not help"`},
	{regexp.MustCompile(`\A\s*\w+\s+says\s+(whether|if)\b`), `say "reports whether", as Go's own documentation does`},

	// Inversions. English sentences begin with their subject.
	{regexp.MustCompile(`(^\s*|[.!?]\s+)(Whose|Of (what|one|those|which)|Not so)\s`), `begin with the subject`},
	{regexp.MustCompile(`(^\s*|[.!?]\s+)What\s[a-z][^.?!;:]*\.(\s|$)`), `a clause as subject: name the thing, or say who does what`},
	{regexp.MustCompile(`(^\s*|[.!?]\s+)(That|Whether|Who|How \w+)\s[a-z][^.?!,;:]*\s(is|are|was|were)\s[^.?!,;:]*\.(\s|$)`), `a clause as subject: name the thing, or say who does what`},
	{words(`should (it|its|they|their) (not )?\w+`), `say "if it …"`},
}

// words matches whole words and phrases in any case, also across lines.
func words(alternatives string) *regexp.Regexp {
	spaced := regexp.MustCompile(` `).ReplaceAllString(alternatives, `\s+`)
	return regexp.MustCompile(`(?i)\b(` + spaced + `)\b`)
}
