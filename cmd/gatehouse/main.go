// Command gatehouse is for operators and developers. It runs a portal on this machine, sets one
// up on AWS, and finds and repairs things there.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/portal"
)

const processName = "gatehouse"

type commands struct {
	Local       localCommand       `cmd:"" help:"Run a whole portal on this machine, with a local AWS."`
	Deploy      deployCommand      `cmd:"" help:"Run a portal on AWS, bring it up to date, or show its state."`
	Destroy     destroyCommand     `cmd:"" help:"Delete a portal on AWS, with or without its data."`
	Setup       setupCommand       `cmd:"" help:"Create or repair the tables, queues, topic and KMS key in the AWS account."`
	Doctor      doctorCommand      `cmd:"" help:"Check that everything Gatehouse needs exists and answers."`
	Sweep       sweepCommand       `cmd:"" help:"Have workers compare API Gateway and the views with the journal, and repair the differences."`
	Projections projectionsCommand `cmd:"" help:"Show the state of the views, or have a worker rebuild them."`
	Catalog     catalogCommand     `cmd:"" help:"Check a catalog folder, have a worker read the catalog now, or show what workers found in it."`
	Operation   operationCommand   `cmd:"" help:"Show or follow an operation."`
	Account     accountCommand     `cmd:"" help:"Look up an account."`
	Accounts    accountsCommand    `cmd:"" help:"List accounts, and suspend, reinstate, promote, demote or delete one."`
	Invitations invitationsCommand `cmd:"" help:"Invite people, and list or remove invitations."`
	Feedback    feedbackCommand    `cmd:"" help:"List what people told you, and mark what is done."`
	Usage       usageCommand       `cmd:"" help:"Sum up the usage of all accounts, or print it as CSV."`
	Audit       auditCommand       `cmd:"" help:"List what admins and operators did."`
	Keys        keysCommand        `cmd:"" help:"Look up the account that an API key belongs to, compare all keys with the journal, or delete all."`
	Backup      backupCommand      `cmd:"" help:"Write everything that must not be lost to one file, while the portal runs."`
	Restore     restoreCommand     `cmd:"" help:"Restore a backup into the empty tables of a new installation."`
	Marketplace marketplaceCommand `cmd:"" help:"Set up selling plans on AWS Marketplace and check it, look up what was bought, or play buyers on a local portal."`
	Migrate     migrateCommand     `cmd:"" help:"Take over people and their API keys from an earlier portal, or from usage plans kept by hand."`
	Banners     bannersCommand     `cmd:"" help:"Show texts at the top of every page, such as before maintenance."`
	Alarms      alarmsCommand      `cmd:"" help:"List the alarms that workers raised, or try the topic and the webhook that tell operators."`
	DLQ         dlqCommand         `cmd:"" name:"dlq" help:"List, replay or discard dead letters."`
	Completion  completionCommand  `cmd:"" help:"Print a completion script for a shell."`
	Man         manCommand         `cmd:"" help:"Print the manual page, in the format of man."`
	Version     versionCommand     `cmd:"" help:"Print the version."`

	ShowVersion kong.VersionFlag `name:"version" help:"Print the version."`
}

const description = `Gatehouse, a developer portal for Amazon API Gateway.

The commands read the same environment variables as the portal and its workers; see docs/configuration.md.

Exit codes: 0 ok; 1 failed, or something is wrong; 2 wrong command line.`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// kongExit is the panic by which kong ends the command after --help and --version.
type kongExit int

func run(args []string, out, errs io.Writer) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer func() {
		switch exit := recover().(type) {
		case nil:
		case kongExit:
			code = int(exit)
		default:
			panic(exit)
		}
	}()
	if len(args) > 0 && args[0] == "help" {
		args = append(slices.Clone(args[1:]), "--help")
	}
	parser := newParser(ctx, out, errs)
	parsed, err := parser.Parse(args)
	if err != nil {
		return printUsageError(errs, err, nil)
	}
	err = parsed.Run()
	var wrong usageError
	switch {
	case err == nil:
		return app.ExitOK
	case errors.As(err, &wrong):
		return printUsageError(errs, err, parsed.Selected())
	}
	fail(errs, err)
	return app.ExitFailed
}

// fail also prints the stack if a panic caused the error.
func fail(errs io.Writer, err error) {
	tell(errs, processName+": "+app.Explain(err))
	if stack := portal.StackOf(err); stack != "" {
		fmt.Fprintf(errs, "\nThis is a fault of %s. When you report it, include this stack:\n\n%s", processName, stack)
	}
}

// tell wraps to the width of a terminal. Lines with commands to copy stay whole.
func tell(errs io.Writer, text string) {
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimLeft(line, " ")
		indent := len(line) - len(trimmed)
		if i == 0 || !strings.HasPrefix(trimmed, "aws ") {
			line = line[:indent] + wrap(line, width(errs), indent+2)
		}
		fmt.Fprintln(errs, line)
	}
}

func newParser(ctx context.Context, out, errs io.Writer) *kong.Kong {
	return kong.Must(&commands{},
		kong.Name(processName),
		kong.Description(description),
		kong.Vars{"version": processName + " " + app.Build()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Help(examplesHelp),
		kong.Writers(out, errs),
		kong.Exit(func(code int) { panic(kongExit(code)) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
}

type usageError string

func (u usageError) Error() string { return string(u) }

// printUsageError prints what is wrong and which --help to read: that of command or, if parsing
// failed, of the last command that the parser recognised.
func printUsageError(errs io.Writer, err error, command *kong.Node) int {
	help := processName
	if command != nil {
		help = command.FullPath()
	}
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if node := parse.Context.Selected(); node != nil {
			help = withFlags(node)
		} else if node := lastCommand(parse.Context); node != nil {
			help = withFlags(node)
		}
	}
	fmt.Fprintf(errs, "%s: %v\nRun `%s --help` for usage.\n", processName, err, help)
	return app.ExitUsage
}

// withFlags is the path of a command, or of its default command, which has the flags.
func withFlags(node *kong.Node) string {
	if node.DefaultCmd != nil {
		node = node.DefaultCmd
	}
	return node.FullPath()
}

func lastCommand(c *kong.Context) *kong.Node {
	var last *kong.Node
	for _, path := range c.Path {
		if path.Command != nil {
			last = path.Command
		}
	}
	return last
}

type versionCommand struct{ output }

func (c versionCommand) Run(k *kong.Context) error {
	return c.print(k.Stdout, map[string]string{"version": app.Version, "build": app.Build()}, func(w io.Writer) {
		fmt.Fprintln(w, processName, app.Build())
	})
}
