package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// example is a command line without the program's name, and what it does.
type example struct{ line, does string }

// examples are shown by --help and in the manual page. Each command has at least one.
var examples = map[string][]example{
	"local": {
		{"local", "run a portal on http://localhost:8080"},
		{"local --fresh --fault sqs.SendMessage:lost,rate=0.1", "start over, with an AWS that loses every tenth message"},
	},
	"deploy run": {
		{"deploy", "ask for what is needed, show the plan, and create the portal after you agree"},
		{"deploy --stack acme --region eu-west-1 --admin ada@example.com --yes", "the same without questions"},
	},
	"deploy status": {{"deploy status --stack acme", "show the stacks, the address and the queues"}},
	"deploy diff":   {{"deploy diff --stack acme --zip bin/lambda-arm64.zip", "show what these programs would change"}},
	"destroy": {
		{"destroy --stack acme --keep-data", "stop paying for portal and workers, and keep the data"},
	},
	"setup":  {{"setup --dry-run", "print what is missing"}},
	"doctor": {{"doctor", "check everything"}, {"doctor --json | jq '.checks[] | select(.ok | not)'", "only what is wrong"}},
	"sweep":  {{"sweep", "compare now, instead of at the next full hour"}},
	"projections status": {
		{"projections status", "show how far the views are behind"},
	},
	"projections rebuild": {{"projections rebuild --rate 50", "rebuild at an easy pace"}},
	"projections verify":  {{"projections verify", "name every row that differs from the journal"}},
	"catalog check":       {{"catalog check ./catalog", "find mistakes before you upload the folder"}},
	"catalog sync":        {{"catalog sync", "have a changed usage plan shown now"}},
	"catalog products":    {{"catalog products", "see who sees a product, and which file to change"}},
	"catalog status":      {{"catalog status", "see why a plan is not offered"}},
	"operation show":      {{"operation show 01m8g3dt84vztcavt8qbjz05v3", "see what became of a request"}},
	"operation follow":    {{"operation follow 01m8g3dt84vztcavt8qbjz05v3", "wait for its end"}},
	"account find": {
		{"account find grace@example.com", "find all accounts of an address"},
	},
	"accounts list":      {{"accounts list --limit 200 --json | jq -r '.accounts[].email'", "print the addresses of the latest accounts"}},
	"accounts search":    {{"accounts search grace", "find an account by a name"}},
	"accounts show":      {{"accounts show acc-1", "see an account with its notes"}},
	"accounts history":   {{"accounts history acc-1", "see what happened, who asked for it and why"}},
	"accounts suspend":   {{"accounts suspend acc-1 --reason 'Please call us.' --yes", "stop all keys of an account"}},
	"accounts reinstate": {{"accounts reinstate acc-1 --yes", "let its keys work again"}},
	"accounts promote":   {{"accounts promote acc-1 --yes", "make the first admin, or one more"}},
	"accounts demote":    {{"accounts demote acc-1 --yes", "end a promotion"}},
	"accounts delete":    {{"accounts delete acc-1", "see what a deletion would do"}},
	"accounts note":      {{"accounts note acc-1 'Asked for a higher quota by phone.' --yes", "leave a note for admins"}},
	"invitations list": {
		{"invitations list --state all", "see who came, and whose mail failed"},
	},
	"invitations invite": {
		{"invitations invite grace@example.com ada@example.com", "invite two people"},
		{"invitations invite - < addresses.txt", "invite a list, one address a line"},
	},
	"invitations remove": {{"invitations remove grace@example.com", "take an invitation back before it is used"}},
	"feedback list":      {{"feedback list --topic api", "read what people say about APIs"}},
	"feedback done":      {{"feedback done 01m8g3dt84vztcavt8qbjz05v3", "take it off the list of open feedback"}},
	"feedback reopen":    {{"feedback reopen 01m8g3dt84vztcavt8qbjz05v3", "put feedback back on the list of open feedback"}},
	"usage": {
		{"usage", "sum up the last 30 days"},
		{"usage --start 2026-11-01 --end 2026-11-30 --csv > november.csv", "write a month to a file"},
	},
	"audit": {
		{"audit --from 2026-11-01 --account 01m8g3dt84vztcavt8qbjz05v3", "see what was done to an account since a day"},
		{"audit --json", "print everything as JSON"},
	},
	"keys verify": {{"keys verify - < leaked.txt", "check a text without putting it into the shell's history"}},
	"keys whose":  {{"keys whose - < leaked.txt", "find the account of a leaked key"}},
	"keys reconcile": {
		{"keys reconcile", "only list what differs"},
		{"keys reconcile --kind stray --yes", "delete keys that the journal does not know"},
	},
	"keys purge": {{"keys purge", "only count the keys"}},
	"backup": {
		{"backup gatehouse.backup", "write a file"},
		{"backup s3://my-backups/gatehouse/monday", "write to a bucket"},
	},
	"restore": {{"restore gatehouse.backup --check", "check a file without AWS"}},
	"marketplace licences": {
		{"marketplace licences", "list the purchases"},
	},
	"marketplace show":      {{"marketplace show l-0123456789abcdef", "see one purchase, and what to do next"}},
	"marketplace notices":   {{"marketplace notices", "see what AWS said that names no licence"}},
	"marketplace setup":     {{"marketplace setup", "print which plans get which product codes"}},
	"marketplace subscribe": {{"marketplace subscribe --product 0123456789abcdefghijklmno --yes", "have a listing's notices sent to the portal"}},
	"marketplace doctor":    {{"marketplace doctor --send", "send a test notice the whole way"}},
	"marketplace reconcile": {{"marketplace reconcile", "find notices that AWS sent and the portal did not get"}},
	"marketplace ledger":    {{"marketplace ledger l-0123456789abcdef", "see each record and AWS's answer"}},
	"marketplace correct":   {{"marketplace correct l-0123456789abcdef --buyer 123456789012", "print what the correction would change"}},
	"marketplace resend":    {{"marketplace resend", "list refused usage, and what can be done about it"}},
	"marketplace simulate": {
		{"marketplace simulate --buyer", "play a buyer, with a link for the browser"},
		{"marketplace simulate --all --json", "play every order of events, a line each"},
	},
	"marketplace redeliver": {{"marketplace redeliver", "list notices that AWS could not deliver"}},
	"banners list":          {{"banners list", "see what pages show now and later"}},
	"banners add":           {{"banners add 'Short outage on Sunday' --start 2026-12-06T06:00Z", "announce an outage"}},
	"banners end":           {{"banners end 01m8g3dt84vztcavt8qbjz05v3", "take a banner down"}},
	"banners delete":        {{"banners delete 01m8g3dt84vztcavt8qbjz05v3", "delete a banner for good"}},
	"alarms list":           {{"alarms list", "see what needs you, and what you were told"}},
	"alarms test":           {{"alarms test", "see whether messages arrive"}},
	"alarms secret":         {{"alarms secret", "print the secret that signs the webhook's messages"}},
	"migrate predecessor":   {{"migrate predecessor", "print what would be taken over"}},
	"migrate csv":           {{"migrate csv keys.csv --yes", "give the keys of a file to their owners"}},
	"dlq list": {
		{"dlq list --newer-than 1d", "what failed since yesterday, by cause"},
	},
	"dlq show": {{"dlq show 01m8g3dt84vztcavt8qbjz05v3", "see a letter and its body"}},
	"dlq replay": {
		{"dlq replay --all", "print what a replay would come to"},
		{"dlq replay --type SubscribeRequested --rate 5 --yes --wait", "replay gently, and see what failed again"},
	},
	"dlq discard": {{"dlq discard --account acc-1 --reason 'the person gave up' --yes", "close letters that must not be replayed"}},
	"dlq export":  {{"dlq export --all > letters.jsonl", "save the letters before you change anything"}},
	"completion":  {{"completion bash", "print the script"}},
	"version":     {{"version --json", "print version and build"}},
	"man":         {{"man | man -l -", "read this manual"}},
}

// examplesHelp prints kong's help, and then the command's examples.
func examplesHelp(options kong.HelpOptions, k *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, k); err != nil {
		return err
	}
	node := k.Selected()
	if node == nil {
		return nil
	}
	if some := examples[nameOf(node)]; len(some) > 0 {
		fmt.Fprint(k.Stdout, "\nExamples:\n")
		for _, e := range some {
			fmt.Fprintf(k.Stdout, "  %s %s\n    %s\n", processName, e.line, e.does)
		}
	}
	return nil
}

// nameOf is the command as people type it, such as "dlq list".
func nameOf(node *kong.Node) string {
	return strings.TrimPrefix(node.FullPath(), processName+" ")
}
