package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// said runs the command with env and nothing else from this machine's environment.
func said(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append([]string{"HOME=" + t.TempDir(), "AWS_EC2_METADATA_DISABLED=true", "PATH=" + filepath.Dir(program) + ":" + os.Getenv("PATH")}, env...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run()
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func TestWrongCommandLinePrintsAHintAndExitsWithTwo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args       []string
		says, hint string
	}{
		"no command":                    {nil, `expected one of "local", "deploy"`, "Run `gatehouse --help` for usage."},
		"an unknown command":            {[]string{"nope"}, "unexpected argument nope", "Run `gatehouse --help` for usage."},
		"an unknown flag":               {[]string{"dlq", "list", "--every"}, "unknown flag --every", "Run `gatehouse dlq list --help` for usage."},
		"no verb":                       {[]string{"dlq"}, `expected one of "list", "show", "replay", "discard", "export"`, "Run `gatehouse dlq --help` for usage."},
		"no folder":                     {[]string{"catalog", "check"}, `expected "<folder>"`, "Run `gatehouse catalog check --help` for usage."},
		"no id":                         {[]string{"operation", "show"}, `expected "<id>"`, "Run `gatehouse operation show --help` for usage."},
		"neither a letter nor --all":    {[]string{"dlq", "replay"}, "name the dead letters to replay, choose them with --queue", "Run `gatehouse dlq replay --help` for usage."},
		"a letter and --all":            {[]string{"dlq", "replay", "x", "--all"}, "give ids, or flags that choose letters, or --all, and not two of them", "Run"},
		"a letter and a queue":          {[]string{"dlq", "discard", "x", "--queue", "commands", "--reason", "why"}, "give ids, or flags that choose letters, or --all, and not two of them", "Run"},
		"a rate that is too low":        {[]string{"projections", "rebuild", "--rate", "1"}, "--rate 1: want at least 5, or 0 for no limit", "Run"},
		"a rate that is too high":       {[]string{"dlq", "replay", "x", "--rate", "1000"}, "--rate 1000: want 1 to 100", "Run"},
		"an age that is none":           {[]string{"dlq", "list", "--older-than", "yesterday"}, "want an age such as 90m, 12h or 2d", "Run"},
		"no reason":                     {[]string{"dlq", "discard", "x", "--reason", " "}, "--reason is empty: say why", "Run"},
		"a demo without a backend":      {[]string{"setup", "--demo"}, "--demo needs --demo-backend", "Run"},
		"a key user that is not an ARN": {[]string{"setup", "--key-user", "worker"}, "want the ARN of a role or user", "Run"},
		"a port out of range":           {[]string{"local", "--port", "99999"}, "--port 99999: a port must be 1 to 65535", "Run"},
		"a port that is not a number":   {[]string{"local", "--port", "http"}, "--port", "Run"},
		"an unknown shell":              {[]string{"completion", "csh"}, "must be one of", "Run"},
		"no licence":                    {[]string{"marketplace", "show"}, `expected "<licence>"`, "Run `gatehouse marketplace show --help` for usage."},
		"no step":                       {[]string{"marketplace", "simulate"}, "nothing to play: give --all, --buyer, or one step", "Run `gatehouse marketplace simulate --help` for usage."},
		"two steps":                     {[]string{"marketplace", "simulate", "--pay", "x", "--cancel", "x"}, "can't be used together", "Run"},
		"no agreement":                  {[]string{"marketplace", "simulate", "--pay", ""}, "nothing to play", "Run `gatehouse marketplace simulate --help` for usage."},
		"no product code":               {[]string{"marketplace", "subscribe"}, "missing flags: --product=CODE", "Run `gatehouse marketplace subscribe --help` for usage."},
		"a dry run with --yes":          {[]string{"marketplace", "setup", "--yes", "--dry-run"}, "--dry-run and --yes can't be used together", "Run `gatehouse marketplace setup --help` for usage."},
		"an unknown kind of notices":    {[]string{"marketplace", "subscribe", "--product", "x", "--notices", "mail"}, "--notices must be one of", "Run"},
		"--contract without --buyer":    {[]string{"marketplace", "simulate", "--all", "--contract"}, "--contract needs --buyer", "Run"},
		"a dimension without --amend":   {[]string{"marketplace", "simulate", "--pay", "x", "--dimension", "large"}, "--dimension and --quantity need --amend", "Run"},
		"--older without --buyer":       {[]string{"marketplace", "simulate", "--all", "--older"}, "--older needs --buyer", "Run"},
		"an unknown kind of difference": {[]string{"keys", "reconcile", "--kind", "odd"}, "--kind odd: there is no such kind", "Run `gatehouse keys reconcile --help` for usage."},
		"values that are not compared":  {[]string{"keys", "reconcile", "--kind", "key_value"}, "needs --values", "Run"},
		"a portal's name in upper case": {[]string{"deploy", "--stack", "Acme", "--yes"}, "lower-case letters", "Run"},
		"a destruction without a name":  {[]string{"destroy"}, "missing flags: --stack=NAME", "Run `gatehouse destroy --help` for usage."},
		"a destruction of another name": {[]string{"destroy", "--stack", "acme", "--yes", "acm"}, "differs from", "Run"},
		"an unknown way to run":         {[]string{"deploy", "--run", "kubernetes", "--yes"}, "the way to run", "Run"},
		"a day that is none":            {[]string{"audit", "--from", "yesterday"}, "want a day such as 2026-11-22", "Run `gatehouse audit --help` for usage."},
		"days the wrong way round":      {[]string{"audit", "--from", "2026-11-02", "--to", "2026-11-01"}, "swap them", "Run `gatehouse audit --help` for usage."},
		"no file of keys":               {[]string{"migrate", "csv"}, `expected "<file>"`, "Run `gatehouse migrate csv --help` for usage."},
		"a folder without a bucket":     {[]string{"migrate", "predecessor", "--catalog", "x"}, "--artifacts and --catalog belong together", "Run `gatehouse migrate predecessor --help` for usage."},
		"no text of a banner":           {[]string{"banners", "add"}, `expected "<text>"`, "Run `gatehouse banners add --help` for usage."},
		"an unknown kind of banner":     {[]string{"banners", "add", "x", "--kind", "panic"}, "--kind must be one of", "Run"},
		"a time that is none":           {[]string{"banners", "add", "x", "--start", "tomorrow"}, "want a time such as", "Run"},
		"two ends of a banner":          {[]string{"banners", "add", "x", "--end", "2027-01-01T00:00Z", "--for", "2h"}, "can't be used together", "Run"},
		"too many invitations":          {append([]string{"invitations", "invite"}, manyAddresses()...), "101 addresses are too many: invite at most 100 at once", "Run `gatehouse invitations invite --help` for usage."},
		"nobody to invite":              {[]string{"invitations", "invite", ","}, "there is no e-mail address to invite", "Run"},
		"an unknown state":              {[]string{"invitations", "list", "--state", "odd"}, "--state must be one of", "Run"},
		"an unknown topic":              {[]string{"feedback", "list", "--topic", "odd"}, "--topic must be one of", "Run"},
		"no invitations":                {[]string{"invitations", "list", "--limit", "0"}, "--limit 0: want 1 to 10000", "Run"},
		"too many licences":             {[]string{"marketplace", "licences", "--limit", "10001"}, "--limit 10001: want 1 to 10000", "Run"},
		"a suspension without a reason": {[]string{"accounts", "suspend", "x"}, "missing flags: --reason=TEXT", "Run `gatehouse accounts suspend --help` for usage."},
		"too many accounts":             {[]string{"accounts", "list", "--limit", "0"}, "--limit 0: want 1 to 10000", "Run"},
		"a note without a text":         {[]string{"accounts", "note", "x"}, `expected "<text>"`, "Run"},
		"too much feedback":             {[]string{"feedback", "list", "--limit", "0"}, "--limit 0: want 1 to 10000", "Run"},
		"days of usage reversed":        {[]string{"usage", "--start", "2026-11-20", "--end", "2026-11-01"}, "Swap them", "Run `gatehouse usage --help` for usage."},
		"two formats of usage":          {[]string{"usage", "--csv", "--json"}, "can't be used together", "Run"},
		"no value on standard input":    {[]string{"keys", "whose", "-"}, "standard input is empty", "Run `gatehouse keys whose --help` for usage."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := said(t, nil, c.args...)
			if code != 2 || stdout != "" || !strings.HasPrefix(stderr, "gatehouse: ") || !strings.Contains(stderr, c.says) || !strings.Contains(stderr, c.hint) {
				t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
			}
			if lines := strings.Count(stderr, "\n"); lines != 2 {
				t.Errorf("it says %d lines, want the error and the hint:\n%s", lines, stderr)
			}
		})
	}
}

func manyAddresses() (all []string) {
	for i := range 101 {
		all = append(all, fmt.Sprintf("p%d@example.com", i))
	}
	return all
}

func TestEveryCommandHasHelpAndVersion(t *testing.T) {
	t.Parallel()
	ask := func(args ...string) (code int, stdout, stderr string) {
		var out, errs strings.Builder
		code = run(args, &out, &errs)
		return code, out.String(), errs.String()
	}
	_ = kong.Visit(newParser(t.Context(), io.Discard, io.Discard).Model, func(node kong.Visitable, next kong.Next) error {
		var args []string
		switch node := node.(type) {
		case *kong.Application:
		case *kong.Node:
			args = strings.Fields(nameOf(node))
		default:
			return nil
		}
		code, stdout, stderr := ask(append(slices.Clone(args), "--help")...)
		if code != 0 || !strings.HasPrefix(stdout, "Usage: gatehouse") || stderr != "" {
			t.Errorf("%v --help: exit code %d, %q, %q", args, code, stdout, stderr)
		}
		for line := range strings.Lines(stdout) {
			if length := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); length > 80 {
				t.Errorf("%v --help has a line of %d characters: %s", args, length, line)
			}
		}
		if code, asked, _ := ask(append([]string{"help"}, args...)...); code != 0 || asked != stdout {
			t.Errorf("help %v: exit code %d, %q", args, code, asked)
		}
		code, stdout, stderr = ask(append(slices.Clone(args), "--version")...)
		if code != 0 || !strings.HasPrefix(stdout, "gatehouse 0.") || stderr != "" {
			t.Errorf("%v --version: exit code %d, %q, %q", args, code, stdout, stderr)
		}
		return next(nil)
	})
	_, stdout, _ := said(t, nil, "version", "--json")
	var version struct{ Version, Build string }
	if err := json.Unmarshal([]byte(stdout), &version); err != nil || version.Version == "" || version.Build == "" {
		t.Errorf("as JSON it is %q (%v)", stdout, err)
	}
}

// withoutJSON are the commands that have no --json, and why.
var withoutJSON = map[string]string{
	"local":      "it runs until it is stopped; its log is JSON",
	"completion": "it prints a program for a shell",
	"man":        "it prints a page for man",
	"dlq export": "it always prints JSON, a letter a line",
}

func TestEveryCommandHasJSON(t *testing.T) {
	t.Parallel()
	for _, leaf := range newParser(t.Context(), io.Discard, io.Discard).Model.Leaves(true) {
		_, excused := withoutJSON[nameOf(leaf)]
		has := slices.ContainsFunc(leaf.Flags, func(flag *kong.Flag) bool { return flag.Name == "json" })
		if has == excused {
			t.Errorf("%s: has --json: %t", nameOf(leaf), has)
		}
	}
}

func TestEveryCommandReportsMissingCredentialsOnce(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"deploy", "--yes"}, {"deploy", "status"}, {"deploy", "diff"}, {"destroy", "--stack", "acme", "--yes", "acme"}, {"setup"}, {"doctor"}, {"doctor", "--json"}, {"sweep"}, {"projections", "status"}, {"projections", "rebuild"}, {"projections", "verify"}, {"catalog", "sync"}, {"catalog", "status"}, {"catalog", "products"}, {"invitations", "list"}, {"invitations", "remove", "x@example.com"}, {"feedback", "reopen", "f-1"}, {"invitations", "invite", "x@example.com"}, {"feedback", "list"}, {"feedback", "done", "f-1"}, {"usage"}, {"usage", "--csv"}, {"operation", "show", "x"},
		{"operation", "follow", "x"}, {"account", "find", "x"}, {"accounts", "list"}, {"accounts", "search", "x"}, {"accounts", "show", "x"}, {"accounts", "history", "x"}, {"accounts", "suspend", "x", "--reason", "y"}, {"accounts", "reinstate", "x"}, {"accounts", "promote", "x"}, {"accounts", "demote", "x"}, {"accounts", "delete", "x"}, {"accounts", "note", "x", "y"}, {"audit"}, {"keys", "whose", "x"}, {"dlq", "list"}, {"dlq", "replay", "--all"}, {"dlq", "discard", "--all", "--reason", "x"}, {"dlq", "export"},
		{"marketplace", "licences"}, {"marketplace", "show", "l-1"}, {"marketplace", "redeliver"}, {"marketplace", "simulate", "--all"}, {"marketplace", "setup"}, {"marketplace", "subscribe", "--product", "x"}, {"marketplace", "doctor", "--send"}, {"migrate", "predecessor"}, {"banners", "list"}, {"banners", "add", "x"}, {"banners", "end", "x"}, {"banners", "delete", "x"}, {"alarms", "list"}, {"alarms", "test"}, {"alarms", "secret"}} {
		code, stdout, stderr := said(t, []string{"AWS_REGION=us-east-1"}, args...)
		if code != 1 || stdout != "" || strings.Count(stderr, "credentials") != 1 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "Set AWS_PROFILE") {
			t.Errorf("%v: exit code %d, %q, %q", args, code, stdout, stderr)
		}
	}
}

func TestDoctorReportsOnceThatAWSDoesNotAnswer(t *testing.T) {
	t.Parallel()
	env := []string{"AWS_REGION=us-east-1", "AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x", "AWS_MAX_ATTEMPTS=1"}
	code, stdout, _ := said(t, env, "doctor")
	if code != 1 || strings.Count(stdout, "AWS does not answer: connection refused.") != 1 {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
}

func TestMistypedKeyValueIsDetectedWithoutAWS(t *testing.T) {
	t.Parallel()
	const value = "gh0Mv4jrDF8xUUC2tsGFIorBvkoC9zpIRjUuDOl8HuyvD1gCiaZ"
	for name, text := range map[string]string{"mistyped": strings.Replace(value, "4", "5", 1), "cut off": value[:40], "too long": value + "Z"} {
		for _, verb := range []string{"whose", "verify"} {
			code, _, stderr := said(t, nil, "keys", verb, text)
			if code != 1 || !strings.Contains(stderr, "its form or its checksum is wrong") || strings.Contains(stderr, text) {
				t.Errorf("%s, %s: exit code %d, %q", verb, name, code, stderr)
			}
		}
	}
	code, stdout, _ := said(t, nil, "keys", "verify", value)
	if code != 0 || !strings.Contains(stdout, `prefix "gh"`) || strings.Contains(stdout, value) {
		t.Errorf("verifying a value: exit code %d, %q", code, stdout)
	}
	if code, stdout, _ := said(t, nil, "keys", "verify", "--json", value); code != 0 || !strings.Contains(stdout, `"valid": true`) {
		t.Errorf("as JSON: exit code %d, %q", code, stdout)
	}
	if code, _, stderr := said(t, nil, "keys", "whose", value); code != 1 || strings.Contains(stderr, "checksum") {
		t.Errorf("a value: exit code %d, %q", code, stderr)
	}
}

func TestShellCompletionOffersCommandsAndFlags(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"d": "deploy destroy doctor dlq", "dlq ": "list show replay discard export", "dlq re": "replay", "projections ": "status rebuild verify", "sweep --j": "--json", "completion ": "bash zsh fish", "doctor": "doctor",
	} {
		words := strings.Split(line, " ")
		_, stdout, _ := said(t, nil, append([]string{"completion", "words", "--"}, words...)...)
		if got := strings.Join(strings.Fields(stdout), " "); got != want {
			t.Errorf("%q is completed with %q, want %q", line, got, want)
		}
	}
	shells := map[string][]string{
		"bash": {"-c", `source <(gatehouse completion bash); COMP_WORDS=(gatehouse dlq re); COMP_CWORD=2; _gatehouse; echo "${COMPREPLY[@]}"`},
		"fish": {"-c", `gatehouse completion fish | source; complete -C "gatehouse dlq re"`},
	}
	for shell, args := range shells {
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("%s is not installed here", shell)
			continue
		}
		cmd := exec.Command(path, args...)
		cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		if err != nil || strings.TrimSpace(string(out)) != "replay" {
			t.Errorf("%s completes with %q (%v)", shell, out, err)
		}
	}
}

// The doctor gets exactly the variables that the banner prints, for a new folder and after a
// restart at other ports.
func TestDoctorFindsNothingWrongWithALocalPortal(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, turn := range []string{"first", "second"} {
		cmd := localCommandOn(folder)
		banner, lines := runs(t, cmd, "Stop with")
		var env []string
		for line := range strings.Lines(banner) {
			if export, ok := strings.CutPrefix(strings.TrimSpace(line), "export "); ok {
				env = append(env, export)
			}
		}
		code, stdout, stderr := said(t, env, "doctor")
		if code != 0 || strings.Contains(stdout, "WRONG") || strings.Contains(stdout, "\n-") || strings.Count(stdout, "ok ") < 20 {
			t.Errorf("the %s time it exits with %d:\n%s%s", turn, code, stdout, stderr)
		}
		_ = cmd.Process.Signal(os.Interrupt)
		for lines.Scan() {
		}
		_ = cmd.Wait()
	}
}
