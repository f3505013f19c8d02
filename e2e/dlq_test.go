// This file tests how operators list, show, replay and discard dead letters.

package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// readyCloud is a cloud that `gatehouse setup` has prepared.
type readyCloud struct {
	cloud
	t *testing.T
}

func startReadyCloud(t *testing.T) readyCloud {
	t.Helper()
	o := readyCloud{startCloud(t), t}
	if code, _, stderr := runToEnd(t, o.env, "gatehouse", "setup"); code != 0 {
		t.Fatalf("setting up exits with %d: %s", code, stderr)
	}
	return o
}

func (o readyCloud) dlq(args ...string) string {
	o.t.Helper()
	code, stdout, stderr := runToEnd(o.t, o.env, "gatehouse", append([]string{"dlq"}, args...)...)
	if code != 0 || stderr != "" {
		o.t.Fatalf("dlq %v exits with %d: %s%s", args, code, stdout, stderr)
	}
	return stdout
}

func (o readyCloud) wantLast(said, want string) {
	o.t.Helper()
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if got := lines[len(lines)-1]; got != want {
		o.t.Errorf("it ends with %q, want %q:\n%s", got, want, said)
	}
}

func (o readyCloud) send(queue, body string) {
	o.t.Helper()
	cfg := o.AWSConfig()
	cfg.Region = localaws.Region
	(&site{aws: cfg}).put(o.t, queue, body)
}

// sendRequest puts a registration into the dead-letter queue, as SQS does.
func (o readyCloud) sendRequest(id string) {
	o.t.Helper()
	body, err := events.Encode(events.Event{
		ID: id, Source: "/test", Subject: portal.AccountStream(portal.AccountID(id)), Time: time.Now(), Operation: portal.OperationID(id),
		Intent: 1, Data: events.RegisterUser{},
	})
	if err != nil {
		o.t.Fatal(err)
	}
	o.send(app.DeadLetterQueue(names.Commands), string(body))
}

func (o readyCloud) letters(args ...string) []deadLetter {
	o.t.Helper()
	var list struct{ Letters []deadLetter }
	if err := json.Unmarshal([]byte(o.dlq(append([]string{"list", "--json"}, args...)...)), &list); err != nil {
		o.t.Fatal(err)
	}
	return list.Letters
}

type deadLetter struct {
	ID, State, Class string
	Discard          struct{ By, Reason string }
}

func (o readyCloud) ids() map[string]string {
	o.t.Helper()
	found := map[string]string{}
	for _, letter := range o.letters() {
		found[letter.Class] = letter.ID
	}
	return found
}

func TestOperatorsListShowAndReplayDeadLetters(t *testing.T) {
	t.Parallel()
	o := startReadyCloud(t)
	o.wantLast(o.dlq("list"), "0 open, 0 replayed and not handled yet, 0 settled, 0 discarded.")
	o.wantLast(o.dlq("replay", "--all"), "There is nothing to replay.")

	worker := startProcess(t, o.env, 1, "worker")
	large := "<" + strings.Repeat("large", 180<<10) + ">"
	o.sendRequest("ann")
	o.send(names.Commands, large)
	o.send(names.Commands, `{"specversion":"1.0","id":"unheard","source":"/test","type":"gatehouse.\u001b[31mUnheard\n.v1","subject":"account/x","time":"2026-01-01T00:00:00Z","data":{}}`)
	var list string
	eventually(t, "the messages are dead letters", func() bool {
		list = o.dlq("list")
		return strings.Contains(list, "3 open, 0 replayed and not handled yet, 0 settled, 0 discarded.")
	})
	worker.terminate()
	worker.waitForExit()
	letters := o.ids()
	if letters["redriven"] != "ann" || letters["unknown_type"] != "unheard" || letters["unreadable"] == "" {
		t.Fatalf("the letters are %v:\n%s", letters, list)
	}
	if strings.Contains(list, "\x1b") {
		t.Errorf("a message's escape sequence reaches the terminal: %q", list)
	}

	shown := o.dlq("show", "ann")
	for _, want := range []string{"RegisterUser", "account/ann", "redriven", "state         open\n", names.Commands[:len(names.Commands)-5]} {
		if !strings.Contains(shown, want) {
			t.Errorf("the letter does not say %q:\n%s", want, shown)
		}
	}
	_, body, _ := strings.Cut(shown, "\n\n")
	var sent struct{ ID string }
	if err := json.Unmarshal([]byte(body), &sent); err != nil || sent.ID != "ann" {
		t.Errorf("the body is shown as %s (%v)", body, err)
	}
	if shown := o.dlq("show", letters["unreadable"]); !strings.HasSuffix(shown, "\n\n"+large+"\n") {
		t.Errorf("the large body is shown as %d bytes", len(shown))
	}

	dryRun := o.dlq("replay", "--all")
	if !strings.Contains(dryRun, "would replay ann, a RegisterUser about account/ann\n  -> carried out: UserRegistered\n") ||
		!strings.Contains(dryRun, "Would replay 1 letter: 1 carried out.\nNothing was sent.") || strings.Count(dryRun, "left ") != 2 {
		t.Errorf("the dry run says\n%s", dryRun)
	}
	if !strings.Contains(dryRun, "left unheard: This version does not know its type. ") || !strings.Contains(dryRun, "left "+letters["unreadable"]+": The message could not be read: it is not JSON. Look at its body, ") {
		t.Errorf("about the letters that it leaves, the dry run says\n%s", dryRun)
	}
	if again := o.dlq("list"); again != list {
		t.Errorf("after the dry run the list is\n%s", again)
	}
	if replayed := o.dlq("replay", "ann", "--yes"); replayed != "replayed ann, a RegisterUser about account/ann\n  -> carried out: UserRegistered\nReplayed 1 letter: 1 carried out.\n" {
		t.Errorf("replaying says %q", replayed)
	}
	o.wantLast(o.dlq("list"), "2 open, 1 replayed and not handled yet, 0 settled, 0 discarded.")
	o.wantLast(o.dlq("replay", "--all", "--yes"), "There is nothing to replay.") // the other two cannot be replayed

	startProcess(t, o.env, 1, "worker")
	eventually(t, "the replay is handled", func() bool {
		list = o.dlq("list")
		return strings.Contains(list, "2 open, 0 replayed and not handled yet, 1 settled, 0 discarded (--all lists them).")
	})
	if _, there := o.ids()["redriven"]; there {
		t.Errorf("the settled letter is listed:\n%s", list)
	}
	all := o.letters("--all")
	if last := all[len(all)-1]; len(all) != 3 || last.ID != "ann" || last.State != "settled" {
		t.Errorf("the settled letter is not the last of %v", all)
	}
	if shown := o.dlq("show", "ann"); !strings.Contains(shown, "settled at ") {
		t.Errorf("the settled letter says\n%s", shown)
	}
}

func TestDeadLetterCommandsReportEachErrorInOneSentence(t *testing.T) {
	t.Parallel()
	o := startReadyCloud(t)
	worker := startProcess(t, o.env, 1, "worker")
	o.sendRequest("bob")
	o.send(names.Commands, "<xml/>")
	var unreadable string
	eventually(t, "the messages are dead letters", func() bool {
		letters := o.ids()
		unreadable = letters["unreadable"]
		return unreadable != "" && letters["redriven"] != ""
	})
	worker.terminate()
	worker.waitForExit()
	const missing = "gatehouse: There is no dead letter x.\n"
	cannot := "gatehouse: Dead letter " + unreadable + " cannot be replayed. The message could not be read: it is not JSON. Look at its body, then discard it.\n"
	const wouldReplayBob = "would replay bob, a RegisterUser about account/bob\n  -> carried out: UserRegistered\nWould replay 1 letter: 1 carried out.\n" +
		"Nothing was sent. With --yes they are sent, oldest first, at most 20 a second.\n"
	for name, c := range map[string]struct {
		args           []string
		stdout, stderr string
	}{
		"showing an unknown letter":                        {[]string{"show", "x"}, "", missing},
		"replaying an unknown letter":                      {[]string{"replay", "--yes", "x"}, "", missing},
		"a dry run with an unknown letter":                 {[]string{"replay", "x"}, "", missing},
		"replaying an unreadable letter":                   {[]string{"replay", "--yes", unreadable}, "", cannot},
		"a dry run with an unreadable letter":              {[]string{"replay", unreadable}, "", cannot},
		"a dry run with an unknown letter and a known one": {[]string{"replay", "x", "bob"}, wouldReplayBob, missing},
	} {
		code, stdout, stderr := runToEnd(t, o.env, "gatehouse", append([]string{"dlq"}, c.args...)...)
		if code != 1 || stdout != c.stdout || stderr != c.stderr {
			t.Errorf("%s: exit code %d, %q, %q", name, code, stdout, stderr)
		}
	}
	for name, args := range map[string][]string{
		"no id":           {"show"},
		"two ids":         {"show", "x", "y"},
		"an unknown flag": {"list", "--every"},
		"no verb":         {},
		"an unknown verb": {"purge"},
	} {
		code, _, stderr := runToEnd(t, o.env, "gatehouse", append([]string{"dlq"}, args...)...)
		if code != 2 || !strings.HasPrefix(stderr, "gatehouse: ") {
			t.Errorf("%s: exit code %d, %q", name, code, stderr)
		}
	}
	if code, _, stderr := runToEnd(t, append(o.env, "GATEHOUSE_NONSENSE=1"), "gatehouse", "dlq", "list"); code != 1 || !strings.Contains(stderr, "GATEHOUSE_NONSENSE is not a setting") {
		t.Errorf("an unknown setting: exit code %d, %q", code, stderr)
	}
	o.wantLast(o.dlq("list"), "2 open, 0 replayed and not handled yet, 0 settled, 0 discarded.")

	why := []string{"discard", unreadable, "--reason", "sent by hand while testing"}
	if said := o.dlq(why...); !strings.HasPrefix(said, "would discard "+unreadable) || !strings.Contains(said, "\nNothing was changed.") || len(o.letters()) != 2 {
		t.Errorf("the dry run says %q", said)
	}
	why = append(why, "--yes")
	if said := o.dlq(why...); !strings.HasPrefix(said, "discarded "+unreadable) {
		t.Errorf("discarding says %q", said)
	}
	if said := o.dlq(why...); !strings.HasPrefix(said, unreadable+" was already discarded at ") {
		t.Errorf("discarding again says %q", said)
	}
	all := o.letters("--all")
	if last := all[len(all)-1]; last.State != "discarded" || last.Discard.Reason != "sent by hand while testing" || last.Discard.By == "" {
		t.Errorf("the discarded letter is %+v", last)
	}
	if shown := o.dlq("show", unreadable); !strings.Contains(shown, "sent by hand while testing") {
		t.Errorf("the discarded letter says\n%s", shown)
	}
	o.wantLast(o.dlq("list"), "1 open, 0 replayed and not handled yet, 0 settled, 1 discarded (--all lists them).")
	code, _, stderr := runToEnd(t, o.env, "gatehouse", "dlq", "discard", "x", "bob", "--reason", "nobody waits", "--yes")
	if code != 1 || stderr != missing {
		t.Errorf("discarding an unknown letter and a known one: exit code %d, %q", code, stderr)
	}
	o.wantLast(o.dlq("list"), "0 open, 0 replayed and not handled yet, 0 settled, 2 discarded (--all lists them).")
}
