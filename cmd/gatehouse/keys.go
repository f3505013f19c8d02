package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type keysCommand struct {
	Verify    keysVerifyCommand    `cmd:"" help:"Check without AWS whether a text is an API key value of Gatehouse, by its form and checksum."`
	Whose     keysWhoseCommand     `cmd:"" help:"Print the account that an API key belongs to, by its value or id."`
	Reconcile keysReconcileCommand `cmd:"" help:"Compare the API keys in API Gateway with the journal, and repair what differs."`
	Purge     keysPurgeCommand     `cmd:"" help:"Delete every API key that this installation has made, for uninstalling."`
}

type keysVerifyCommand struct {
	output
	Value string `arg:"" help:"The text; - reads it from standard input, which keeps a value out of the shell's history."`
}

// Run calls nothing. It fails if the text is no key value. It never prints the value.
func (c keysVerifyCommand) Run(ctx context.Context) error {
	text, err := textOrInput(ctx, c.Value, os.Stdin, func() { askFor("The value") })
	if err != nil {
		return err
	}
	prefix, err := app.CheckValue(text)
	if err != nil {
		return err
	}
	return c.print(os.Stdout, map[string]any{"valid": true, "prefix": prefix}, func(w io.Writer) {
		fmt.Fprintf(w, "This is a key value of Gatehouse with the prefix %q. Its checksum is right.\n", prefix)
		fmt.Fprintf(w, "Whether the key still exists, only AWS knows: `%s keys whose -` looks it up, with its owner.\n", processName)
	})
}

type keysWhoseCommand struct {
	output
	Key string `arg:"" help:"The key's value, its id in the portal, or its id in API Gateway; - reads it from standard input, which keeps a value out of the shell's history."`
}

// Run checks a value's checksum before it calls AWS. It never prints the value.
func (c keysWhoseCommand) Run(ctx context.Context) error {
	text, err := textOrInput(ctx, c.Key, os.Stdin, func() { askFor("The key's value or id") })
	if err != nil {
		return err
	}
	if app.LooksLikeValue(text) {
		if _, err := app.CheckValue(text); err != nil {
			return err // even without credentials
		}
	}
	desk, err := openDesk(ctx)
	if err != nil {
		return err
	}
	owner, err := desk.FindKey(ctx, text, func() {
		tell(os.Stderr, "Searching API Gateway. This takes a control-plane call for every 500 keys, within the budget.")
	})
	if err != nil {
		return err
	}
	accounts, err := desk.Accounts(ctx, string(owner.Account))
	if err != nil {
		return err
	}
	return c.print(os.Stdout, ownerJSON(owner, accounts[0]), func(w io.Writer) { printOwner(w, owner, accounts[0]) })
}

func ownerJSON(owner app.KeyOwner, account app.FoundAccount) map[string]any {
	value := map[string]any{
		"account": owner.Account, "key": owner.Key, "gateway_id": owner.GatewayID, "enabled": !owner.Disabled, "control_plane_calls": owner.Calls,
	}
	if account.Email != "" {
		value["email"] = account.Email
	}
	if recorded := recordedAs(account, owner.Key); recorded != "" && recorded != owner.GatewayID {
		value["stray"], value["recorded_gateway_id"] = true, recorded
	}
	return value
}

func printOwner(w io.Writer, owner app.KeyOwner, account app.FoundAccount) {
	stray, state := "", "enabled"
	if recorded := recordedAs(account, owner.Key); recorded != "" && recorded != owner.GatewayID {
		stray = fmt.Sprintf("This key is a stray: somebody created it by hand under this name. The portal's own key of this name is %s.", recorded)
	}
	if owner.Disabled {
		state = "disabled"
	}
	pairs(w, [2]string{"account", string(owner.Account)}, [2]string{"e-mail", printable(account.Email)}, [2]string{"key", string(owner.Key)},
		[2]string{"API Gateway", string(owner.GatewayID)}, [2]string{"state", state}, [2]string{"warning", stray}, [2]string{"cost", count(owner.Calls, "control-plane call")})
	fmt.Fprintf(w, "\n`%s account find %s` shows the account.\n", processName, owner.Account)
	if !owner.Disabled {
		fmt.Fprintf(w, "To disable the key:\n  aws apigateway update-api-key --api-key %s --patch-operations op=replace,path=/enabled,value=false\n", owner.GatewayID)
	}
}

func recordedAs(account app.FoundAccount, key portal.KeyID) portal.GatewayKeyID {
	for _, k := range account.Keys {
		if k.ID == key {
			return k.GatewayID
		}
	}
	return ""
}

func askFor(what string) {
	if term.IsTerminal(int(os.Stdin.Fd())) {
		fmt.Fprint(os.Stderr, what+", then Enter: ")
	}
}

// textOrInput returns the argument or, if that is "-", the first line of in, after calling ask.
func textOrInput(ctx context.Context, argument string, in io.Reader, ask func()) (string, error) {
	if argument != "-" {
		return strings.TrimSpace(argument), nil
	}
	ask()
	line, err := nextLine(ctx, bufio.NewReader(in))
	if text := strings.TrimSpace(line); text != "" {
		return text, nil
	}
	switch {
	case ctx.Err() != nil:
		return "", errors.New("interrupted")
	case err == nil || errors.Is(err, io.EOF):
		return "", usageError("standard input is empty: give a value or an id on its first line")
	}
	return "", fmt.Errorf("reading standard input: %w", err)
}

// nextLine abandons the read if ctx ends first: a terminal's line may never come.
func nextLine(ctx context.Context, in *bufio.Reader) (line string, err error) {
	type read struct {
		line string
		err  error
	}
	done := make(chan read, 1)
	go func() {
		line, err := in.ReadString('\n')
		done <- read{line, err}
	}()
	select {
	case got := <-done:
		return got.line, got.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}
