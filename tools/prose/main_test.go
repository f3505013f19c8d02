package main

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestProseIsReadWherePeopleReadIt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, path, content string
		want                []string
	}{
		{"a comment", "a.go", "package a\n\n// The worker acts. Whoever\n// calls it waits.\nvar X = 1\n", []string{"a.go:3: Whoever:"}},
		{"a phrase over two lines", "a.go", "package a\n\n// One\n// two three once\n// more.\nvar X = 1\n", []string{"a.go:4: once more:"}},
		{"a string is not a comment", "a.go", "package a\n\nvar X = \"whoever\"\n", nil},
		{"a clause as subject", "a.md", "What was not sent is sent later.\n", []string{"a.md:1: What was not sent is sent later.:"}},
		{"a question", "a.md", "What is a fact?\n", nil},
		{"a heading", "a.md", "## What is stored\n", nil},
		{"code in a document", "a.md", "```\nwhoever\n```\n\nand `whoever`\n", nil},
		{"words that are quoted", "a.md", "Do not say\n\"whoever\". <!-- prose: quoted -->\n", nil},
		{"a page", "web/a.html", "<p>\nIt is tried again by itself.\n</p>\n", []string{"web/a.html:2: by itself:"}},
		{"files for tests", "x/testdata/a.md", "whoever\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			found, err := check(fstest.MapFS{c.path: {Data: []byte(c.content)}}, &out)
			if err != nil || found != len(c.want) {
				t.Fatalf("found %d, %v, want %d:\n%s", found, err, len(c.want), &out)
			}
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in:\n%s", want, &out)
				}
			}
		})
	}
}

func TestWordsOfTheGlossaryHaveOneSense(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, path, content string
		want                []string
	}{
		{"keys that open a plan", "a.go", "package a\n\n// The keys open\n// the plan.\nvar X = 1\n", []string{"a.go:3: keys open the:"}},
		{"a plan that opens a stage", "a.md", "The plan now opens a stage.\n", []string{"a.md:1: plan now opens:"}},
		{"a wish that is open", "a.md", "Open wishes for a plan.\n", nil},
		{"a decision that stands", "a.md", "The decision stands.\n", []string{"a.md:1: stands:"}},
		{"a word that stands for another", "a.md", "It stands for a stand-in that stands still.\n", nil},
		{"a rate that settles", "a.md", "The rate settles.\n", []string{"a.md:1: settles:"}},
		{"a letter that is settled", "a.md", "The letter is settled.\n", nil},
		{"a key that is withdrawn", "a.md", "The provider has withdrawn it.\n", []string{"a.md:1: withdrawn:"}},
		{"a wish that is withdrawn", "a.md", "The wish is withdrawn.\n", nil},
		{"AWS as a worker", "a.md", "SQS may reject it.\n", []string{"a.md:1: SQS may reject:"}},
		{"a plan of the catalog that opens an API", "a.md", "A plan of the catalog opens it.\n", []string{"a.md:1: plan of the catalog opens:"}},
		{"a release that is a version", "a.md", "An older release reads it.\n", []string{"a.md:1: older release:"}},
		{"the release of a key", "a.md", "The release of an idle key frees room; so does this release of a key.\n", nil},
		{"a share of anything but quotas", "a.md", "The share of calls that fail.\n", []string{"a.md:1: share of calls:"}},
		{"the share of the quotas", "a.md", "Gatehouse's share of the quotas is half.\n", nil},
		{"plans that move", "a.md", "Plans that were moved or renamed.\n", []string{"a.md:1: moved or renamed:"}},
		{"an operation that moves", "a.md", "An operation that has not moved.\n", []string{"a.md:1: operation that has not moved:"}},
		{"a key that moves", "a.md", "Keys that were moved or renamed by hand are put back.\n", nil},
		{"a shape that is a format", "a.md", "It has the error shape of SQS.\n", []string{"a.md:1: error shape:"}},
		{"the shape of the views", "a.md", "Rows of an older shape are rebuilt.\n", nil},
		{"a budget of something else", "a.md", "A time budget for code.\n", []string{"a.md:1: time budget:"}},
		{"the budget", "a.md", "Calls wait for the budget.\n", nil},
		{"a row that is postponed", "a.md", "The job postpones the row.\n", []string{"a.md:1: postpones the row:"}},
		{"a message that is postponed", "a.md", "The worker postpones the message.\n", nil},
		{"a message that is parked", "a.md", "The queue parks the message.\n", []string{"a.md:1: parks the message:"}},
		{"a wish that is parked", "a.md", "The worker parks the wish.\n", nil},
		{"a file that is a stray", "a.md", "It ignores stray files.\n", []string{"a.md:1: stray files:"}},
		{"a key that is a stray", "a.md", "It reports strays, such as a stray key.\n", nil},
		{"a slot that is a place", "a.md", "A free slot.\n", []string{"a.md:1: free slot:"}},
		{"the slot of a job", "a.md", "One tick for a job and time slot survives.\n", nil},
		{"a test's name", "a_test.go", "package a\n\nfunc TestAPlanOpensItsStages() {}\n", []string{"a_test.go:3: Plan Opens:"}},
		{"a case's name in a map", "a_test.go", "package a\n\nvar X = map[string]int{\"what stands\": 1}\n", []string{"a_test.go:3: stands:"}},
		{"a case's name in a struct", "a_test.go", "package a\n\nvar X = []T{{\"what stands\", 1}}\n", []string{"a_test.go:3: stands:"}},
		{"a habit in a test's name", "a_test.go", "package a\n\nfunc TestWhoeverAsks() {}\n", nil},
		{"a text that is no test's", "a.go", "package a\n\nvar X = []T{{\"what stands\", 1}}\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			found, err := check(fstest.MapFS{c.path: {Data: []byte(c.content)}}, &out)
			if err != nil || found != len(c.want) {
				t.Fatalf("found %d, %v, want %d:\n%s", found, err, len(c.want), &out)
			}
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in:\n%s", want, &out)
				}
			}
		})
	}
}

func TestCodeThatDoesNotParseIsNamed(t *testing.T) {
	t.Parallel()
	_, err := check(fstest.MapFS{"bad.go": {Data: []byte("packag")}}, &strings.Builder{})
	if err == nil || !strings.Contains(err.Error(), "bad.go") {
		t.Errorf("%v", err)
	}
}

func TestEveryHabitSaysWhatToDoInstead(t *testing.T) {
	t.Parallel()
	for _, h := range habits {
		if h.advice == "" {
			t.Errorf("%s has no advice", h.pattern)
		}
	}
}
