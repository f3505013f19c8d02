package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/migration"
	"github.com/gatehouse-portal/gatehouse/migration/predecessor"
)

type migrateCommand struct {
	Predecessor migratePredecessorCommand `cmd:"" help:"Take over people, keys, subscriptions, feedback and catalog from the AWS Serverless Developer Portal."`
	CSV         migrateCSVCommand         `cmd:"" name:"csv" help:"Take over keys in usage plans that were kept by hand, from a file of e-mail addresses and key ids."`
}

type migratePredecessorCommand struct {
	output
	dryRun
	Customers  string `default:"DevPortalCustomers" placeholder:"TABLE" help:"The table of customers: ${default}."`
	PreLogin   string `default:"DevPortalPreLoginAccounts" placeholder:"TABLE" help:"The table of people before their first sign-in, empty if there is none: ${default}."`
	Feedback   string `default:"DevPortalFeedback" placeholder:"TABLE" help:"The table of feedback, empty if there is none: ${default}."`
	Issuer     string `placeholder:"URL" help:"The issuer whose users the people are. The default is GATEHOUSE_OIDC_ISSUER."`
	UserPool   string `placeholder:"ID" help:"The earlier portal's user pool, if it is not the issuer's."`
	Artifacts  string `placeholder:"BUCKET" help:"The earlier portal's bucket of artifacts. With --catalog, its catalog becomes product folders."`
	Catalog    string `placeholder:"FOLDER" help:"The folder to write product folders into. Files that exist stay as they are."`
	Identities string `type:"existingfile" placeholder:"FILE" help:"CSV of identity ids and the subject or e-mail address of their users, for the layout of 2018."`
}

func (migratePredecessorCommand) Help() string {
	return "Without --yes it reads everything and prints what it would do. The API keys stay as they are in API Gateway, with their ids and values. A second run does what is left. See docs/migrate.md."
}

// Run prints the plan of the migration, or carries it out with --yes. It fails if something was not carried out,
// but not for what cannot be matched.
func (c migratePredecessorCommand) Run(ctx context.Context) error {
	if (c.Artifacts == "") != (c.Catalog == "") {
		return usageError("--artifacts and --catalog belong together: give both, or neither")
	}
	p, err := process(ctx)
	if err != nil {
		return err
	}
	issuer := cmp.Or(c.Issuer, p.Config.OIDCIssuer)
	if issuer == "" {
		return usageError("the issuer is missing: give --issuer, or set GATEHOUSE_OIDC_ISSUER")
	}
	m, err := app.OpenMigration(p, issuer)
	if err != nil {
		return err
	}
	pool, known := m.Pool(issuer)
	switch {
	case c.UserPool == "" && !known:
		return usageError("the issuer is no Cognito user pool: give the earlier portal's with --user-pool")
	case c.UserPool != "":
		pool = c.UserPool
	}
	list, err := m.Predecessor(ctx, app.PredecessorSource{
		Tables: predecessor.Tables{Customers: c.Customers, PreLogin: c.PreLogin, Feedback: c.Feedback}, Pool: pool, Identities: c.Identities,
	}, reading)
	if err != nil {
		return err
	}
	if c.Catalog != "" {
		folders, unmatched, err := m.Catalog(ctx, c.Artifacts)
		if err != nil {
			return err
		}
		list.Unmatched = append(list.Unmatched, unmatched...)
		if list.Products, err = writeProducts(c.Catalog, folders, c.Yes); err != nil {
			return err
		}
	}
	return printOrCarryOut(ctx, m, list, c.output, c.Yes)
}

// writeProducts returns the names of the files that do not exist yet. With yes it also writes them.
func writeProducts(root string, folders []migration.ProductFolder, yes bool) (missing []string, err error) {
	for _, product := range folders {
		for _, name := range slices.Sorted(maps.Keys(product.Files)) {
			path := filepath.Join(root, product.Name, name)
			if _, err := os.Lstat(path); err == nil {
				continue
			} else if !errors.Is(err, fs.ErrNotExist) {
				return missing, err
			}
			missing = append(missing, path)
			if !yes {
				continue
			}
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				return missing, fmt.Errorf("writing product folders: %w", err)
			}
			// A run that is stopped leaves no half of a file.
			part := path + ".part"
			if err := os.WriteFile(part, product.Files[name], 0o644); err != nil {
				return missing, fmt.Errorf("writing product folders: %w", err)
			}
			if err := os.Rename(part, path); err != nil {
				return missing, fmt.Errorf("writing product folders: %w", err)
			}
		}
	}
	return missing, nil
}

type migrateCSVCommand struct {
	output
	dryRun
	File string `arg:"" help:"CSV with a row for each key: e-mail address, key id, and if you like the ids of its usage plans. - reads standard input."`
}

func (migrateCSVCommand) Help() string {
	return "A person with an account gets the key at once. Other keys wait for the first sign-in with that verified e-mail address. With a bad row, nothing is done. Without --yes it prints what it would do. See docs/migrate.md."
}

var errBadRows = errors.New("nothing was done: correct these rows, then run the command again")

func (c migrateCSVCommand) Run(ctx context.Context) error {
	p, err := process(ctx)
	if err != nil {
		return err
	}
	rows, bad, err := c.read()
	if err != nil {
		return err
	}
	m, err := app.OpenMigration(p, p.Config.OIDCIssuer)
	if err != nil {
		return err
	}
	list := migration.Worklist{}
	if len(bad) == 0 {
		if list, bad, err = m.Rows(ctx, rows, reading); err != nil {
			return err
		}
	}
	if len(bad) == 0 {
		return printOrCarryOut(ctx, m, list, c.output, c.Yes)
	}
	err = c.print(os.Stdout, map[string]any{"bad_rows": bad}, func(w io.Writer) {
		for _, row := range bad {
			fmt.Fprintf(w, "line %d: %s\n", row.Line, row.Why)
		}
	})
	return cmp.Or(err, errBadRows)
}

func (c migrateCSVCommand) read() (rows []migration.Row, bad []migration.BadRow, err error) {
	file := os.Stdin
	if c.File != "-" {
		if file, err = os.Open(c.File); errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("there is no file %s", c.File)
		} else if err != nil {
			return nil, nil, fmt.Errorf("reading the file: %w", err)
		}
		defer func() { _ = file.Close() }()
		if is, err := file.Stat(); err == nil && is.IsDir() {
			return nil, nil, fmt.Errorf("%s is a folder; give the CSV file", c.File)
		}
	}
	return migration.ReadCSV(file)
}

func reading(what string) {
	if term.IsTerminal(int(os.Stderr.Fd())) {
		tell(os.Stderr, "Reading "+what+".")
	}
}

var errUndecidedPeople = errors.New("the workers have not finished in time. Check that one is running, then run the command again: it continues")

// printOrCarryOut prints the plan. With yes it carries the plan out instead, and prints what was done.
func printOrCarryOut(ctx context.Context, m *app.Migration, list migration.Worklist, out output, yes bool) error {
	if !yes {
		return out.print(os.Stdout, migrationJSON(list), func(w io.Writer) { printMigration(w, list) })
	}
	bar := newProgressBar(os.Stderr, "people done:", len(list.People))
	done, err := m.Run(ctx, list, func(done, _ int) { bar.tell(done) })
	bar.end()
	done.Unmatched = append(list.Unmatched, done.Unmatched...)
	if printed := out.print(os.Stdout, struct {
		migration.Done
		Products  []string        `json:"files_written"`
		Unmatched []unmatchedJSON `json:"unmatched"`
	}{done, append([]string{}, list.Products...), unmatchedJSONOf(done.Unmatched)}, func(w io.Writer) {
		printDone(w, done)
		printFiles(w, list.Products)
		printUnmatched(w, done.Unmatched)
	}); printed != nil {
		return printed
	}
	if err == nil && done.Undecided > 0 {
		err = errUndecidedPeople
	}
	return err
}

type unmatchedJSON struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

func unmatchedJSONOf(all []migration.Unmatched) []unmatchedJSON {
	list := make([]unmatchedJSON, 0, len(all))
	for _, one := range all {
		list = append(list, unmatchedJSON(one))
	}
	return list
}

type personJSON struct {
	Email   string              `json:"email,omitempty"`
	Subject string              `json:"subject,omitempty"`
	Keys    []events.KeyToAdopt `json:"keys"`
}

func migrationJSON(list migration.Worklist) map[string]any {
	people := make([]personJSON, 0, len(list.People))
	for _, p := range list.People {
		people = append(people, personJSON{Email: p.Email, Subject: p.Subject, Keys: append([]events.KeyToAdopt{}, p.Keys...)})
	}
	return map[string]any{"dry_run": true, "people": people, "feedback": len(list.Feedback), "products": append([]string{}, list.Products...), "unmatched": unmatchedJSONOf(list.Unmatched)}
}

func printMigration(w io.Writer, list migration.Worklist) {
	var rows [][]string
	for _, p := range list.People {
		who := oneLine(p.Called())
		if len(p.Keys) == 0 {
			rows = append(rows, []string{who, "-", "-"})
		}
		for _, key := range p.Keys {
			rows = append(rows, []string{who, oneLine(string(key.GatewayID)), oneLine(plansCalled(key))})
			who = ""
		}
	}
	if len(rows) > 0 {
		table(w, "", []string{"PERSON", "KEY", "PLANS"}, rows)
	}
	fmt.Fprintf(w, "\n%s, %s, %s of feedback.\n", count(len(list.People), "person"), count(keysOf(list), "key"), count(len(list.Feedback), "piece"))
	printFiles(w, list.Products)
	printUnmatched(w, list.Unmatched)
	fmt.Fprintln(w, "\nThis was a dry run. Nothing was changed; --yes carries it out.")
}

func keysOf(list migration.Worklist) int {
	n := 0
	for _, p := range list.People {
		n += len(p.Keys)
	}
	return n
}

func plansCalled(key events.KeyToAdopt) string {
	var names []string
	for _, plan := range key.Plans {
		names = append(names, plan.Name)
	}
	if key.Disabled {
		names = append(names, "(disabled)")
	}
	return strings.Join(names, ", ")
}

func printUnmatched(w io.Writer, all []migration.Unmatched) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(w, "\nLeft as %s:\n", map[bool]string{true: "it is", false: "they are"}[len(all) == 1])
	for _, one := range all {
		fmt.Fprintf(w, "  %s\n    %s\n", one.What, wrap(one.Why, width(w)-4, 4))
	}
}

func printDone(w io.Writer, done migration.Done) {
	number := func(n int) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprint(n)
	}
	fmt.Fprintf(w, "%-30s%d\n%-30s%d\n", "accounts opened", done.Accounts, "keys taken over", done.Adopted)
	for _, line := range [][2]string{
		{"keys that wait for a sign-in", number(done.Waiting)}, {"people migrated earlier", number(done.Before)},
		{"people who left since", number(done.Deleted)}, {"pieces of feedback moved", number(done.Feedback)}, {"people not decided yet", number(done.Undecided)},
	} {
		if line[1] != "" {
			fmt.Fprintf(w, "%-30s%s\n", line[0], line[1])
		}
	}
}

func printFiles(w io.Writer, names []string) {
	if len(names) == 0 {
		return
	}
	fmt.Fprintln(w, "\nNew files of product folders:")
	for _, name := range names {
		fmt.Fprintf(w, "  %s\n", oneLine(name))
	}
	fmt.Fprintf(w, "Check them with `%s catalog check`, and add what is missing.\n", processName)
}
