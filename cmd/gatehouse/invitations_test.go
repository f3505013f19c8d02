package main

import (
	"slices"
	"strings"
	"testing"
)

func TestAddressesComeFromArgumentsAndStandardInput(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		in   string
		want []string
	}{
		"arguments":                  {[]string{"a@example.com", "b@example.com"}, "", []string{"a@example.com", "b@example.com"}},
		"an argument with commas":    {[]string{"a@example.com,b@example.com"}, "", []string{"a@example.com", "b@example.com"}},
		"standard input":             {[]string{"-"}, "a@example.com\r\n\nb@example.com\n", []string{"a@example.com", "b@example.com"}},
		"both":                       {[]string{"a@example.com", "-"}, "b@example.com\n", []string{"a@example.com", "b@example.com"}},
		"an address that is twice":   {[]string{"a@example.com", "-"}, "A@example.com\n", []string{"a@example.com"}},
		"none, which is refused":     {[]string{"-"}, "\n \n", nil},
		"too many, which is refused": {append(manyAddresses(), "-"), "more@example.com", nil},
	} {
		got, err := addressesOf(c.args, strings.NewReader(c.in))
		if !slices.Equal(got, c.want) || (err != nil) != (c.want == nil) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// People are invited, listed and removed on a portal that runs as another process. An exit code of 1 says
// that one of several was refused, and the others are done all the same.
func TestInvitationsAreSentListedAndRemoved(t *testing.T) {
	t.Parallel()
	env := localEnv(t)
	for _, step := range []struct {
		args           []string
		code           int
		stdout, stderr []string
	}{
		{[]string{"invitations", "invite", "grace@example.com", "nope"}, 1, []string{"grace@example.com  invited", "nope               not invited  That is not an e-mail address.", "No mail is sent"}, []string{"not invited: 1 of 2"}},
		{[]string{"invitations", "invite", "--json", "grace@example.com"}, 0, []string{`"outcome": "invited_lately"`, `"mailed": false`}, nil},
		{[]string{"invitations", "list", "--json"}, 0, []string{`"email": "grace@example.com"`, `"state": "open"`, `"operator": `, `"mail": "none"`}, nil},
		{[]string{"invitations", "remove", "nobody@example.com", "grace@example.com"}, 1, []string{"removed: grace@example.com"}, []string{"nobody@example.com: There is no such invitation."}},
		{[]string{"invitations", "list"}, 0, []string{"There is no such invitation."}, nil},
		{[]string{"feedback", "list"}, 0, []string{"There is no such feedback."}, nil},
		{[]string{"feedback", "done", "--json", "f-1"}, 1, []string{`"done": []`}, []string{"f-1: There is no such feedback."}},
		{[]string{"usage", "--csv"}, 0, []string{"account,date,plan,"}, nil},
		{[]string{"usage", "--json"}, 0, []string{`"used": 0`, `"top_accounts": []`}, nil},
		{[]string{"catalog", "products", "--json"}, 0, []string{`"visible_to": "Everybody"`, `"file": "seamark/product.yaml"`}, nil},
	} {
		code, stdout, stderr := said(t, env, step.args...)
		if code != step.code || (stderr == "") != (step.stderr == nil) {
			t.Errorf("%v: exit code %d, %q, %q", step.args, code, stdout, stderr)
		}
		for _, want := range step.stdout {
			if !strings.Contains(stdout, want) {
				t.Errorf("%v prints\n%s\nwithout %q", step.args, stdout, want)
			}
		}
		for _, want := range step.stderr {
			if !strings.Contains(stderr, want) {
				t.Errorf("%v says %q without %q", step.args, stderr, want)
			}
		}
	}
}
