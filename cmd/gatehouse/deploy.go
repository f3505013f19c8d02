package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gatehouse-portal/gatehouse/deploy/stacks"
	"github.com/gatehouse-portal/gatehouse/deploy/wiring"
)

type deployCommand struct {
	Run    deployRunCommand    `cmd:"" default:"withargs" help:"Create a portal on AWS, or bring one up to date. This is the default."`
	Status deployStatusCommand `cmd:"" help:"Show a portal's stacks, address and queues, and what is out of date."`
	Diff   deployDiffCommand   `cmd:"" help:"Show what gatehouse deploy would change. Changes nothing."`
}

// place says which portal is meant.
type place struct {
	Region string `placeholder:"REGION" help:"The Region of your APIs. The default is that of the AWS SDK's own settings, such as AWS_REGION."`
	Stack  string `default:"gatehouse" placeholder:"NAME" help:"The portal's name, with which all names in AWS begin: gatehouse without this flag."`
}

func (p place) Validate() error {
	if err := stacks.CheckName(p.Stack); err != nil {
		return usageError("--stack: " + err.Error())
	}
	return nil
}

// choices are the settings of a portal.
type choices struct {
	Run         string            `name:"run" placeholder:"WAY" help:"How portal and workers run: lambda (the default of a new portal), containers, or small, a single container."`
	Host        string            `placeholder:"NAME" help:"The portal's host name, such as portal.example.com."`
	Certificate string            `placeholder:"ARN" help:"The host name's certificate in AWS Certificate Manager, in the portal's Region."`
	Zone        string            `placeholder:"ID" help:"The hosted zone in Route 53 that gets the host name's record."`
	Admin       string            `placeholder:"E-MAIL" help:"The first admin, who gets an invitation."`
	AlarmEmail  string            `placeholder:"E-MAIL" help:"Who gets alarms. A new portal sends them to the first admin without it."`
	Issuer      string            `placeholder:"URL" help:"Another identity provider than a user pool of the portal's own. Also give --client-id."`
	ClientID    string            `name:"client-id" placeholder:"ID" help:"The portal's client at that identity provider."`
	Zip         string            `default:"bin/lambda-arm64.zip" placeholder:"FILE" help:"The programs for AWS Lambda, which make lambda builds: bin/lambda-arm64.zip without this flag."`
	Image       string            `placeholder:"NAME" help:"The image for containers, which make image pushes."`
	VPC         string            `name:"vpc" placeholder:"ID" help:"The VPC for containers."`
	Subnet      []string          `placeholder:"ID" help:"Two or more subnets for containers. May be repeated."`
	Demo        bool              `help:"Add a demo API with two plans, for trying a portal that has no API yet. Nothing runs behind it."`
	CDN         string            `name:"cdn-certificate" placeholder:"ARN" help:"Add CloudFront in front of containers, with the host name's certificate in us-east-1."`
	VPCCIDR     string            `name:"vpc-cidr" placeholder:"RANGE" help:"Add VPC endpoints for containers, which these addresses of the VPC may reach. Also give --route-table."`
	RouteTable  []string          `placeholder:"ID" help:"The route tables of the subnets, for VPC endpoints. May be repeated."`
	Marketplace bool              `help:"Also bring AWS Marketplace's notices from us-east-1 to the portal, whose AWS account is the seller's."`
	Trail       bool              `help:"Have workers notice changes made directly in API Gateway within a minute or so. Needs a trail of AWS CloudTrail."`
	KeyUser     []string          `placeholder:"ARN" help:"An operator's role or user that may compute API keys, beside your own and the portal's. Nobody else may from then on. May be repeated."`
	Parameter   map[string]string `mapsep:"none" placeholder:"NAME=VALUE" help:"Another parameter of the templates. May be repeated."`
	Allow       []string          `sep:"none" placeholder:"STACK/RESOURCE" help:"A resource that may be replaced or removed although it holds data. May be repeated."`
}

// validate refuses an unknown way to run as a wrong command line.
func (c choices) validate() error {
	if err := stacks.CheckRun(stacks.RunMode(c.Run)); err != nil {
		return usageError("--run: " + err.Error())
	}
	return nil
}

func (c choices) settings(name string) stacks.Settings {
	return stacks.Settings{
		Name: name, Run: stacks.RunMode(c.Run), Host: c.Host, Certificate: c.Certificate, Zone: c.Zone, Admin: c.Admin, AlarmEmail: c.AlarmEmail,
		Issuer: c.Issuer, ClientID: c.ClientID, Zip: c.Zip, Image: c.Image, VPC: c.VPC, Subnets: c.Subnet, Parameters: c.Parameter, Allow: c.Allow,
		Options: stacks.Options{Demo: c.Demo, CDNCertificate: c.CDN, VPCCIDR: c.VPCCIDR, RouteTables: c.RouteTable, Marketplace: c.Marketplace, Trail: c.Trail, KeyUsers: c.KeyUser},
	}
}

type deployRunCommand struct {
	output
	place
	choices
	Unchecked bool `help:"Continue although IAM reports missing permissions, as it does when policies allow them for single resources only."`
	Yes       bool `help:"Ask nothing, and carry the plan out."`
}

func (deployRunCommand) Help() string {
	return "Checks credentials and permissions, shows what it would change, and asks before it changes anything. If it is interrupted or fails, run it again: it goes on. For an existing portal, settings that are not given stay as they are. docs/deploy.md explains each step."
}

// Validate is ambiguous in the embedded structs, so it is written out.
func (c deployRunCommand) Validate() error { return errors.Join(c.place.Validate(), c.validate()) }

func (c deployRunCommand) Run(ctx context.Context) error {
	d, err := deployer(ctx, c.Region)
	if err != nil {
		return err
	}
	d.Unchecked = c.Unchecked
	settings := c.settings(c.Stack)
	if err := d.Preflight(ctx, settings); err != nil {
		return interrupted(err)
	}
	q := newQuestions()
	q.terminal = q.terminal && !c.Yes
	if !q.terminal && !c.Yes {
		return usageError("there is no terminal to ask: add --yes, or see what would change with gatehouse deploy diff")
	}
	if settings, err = askForMissing(ctx, d, settings, q); err != nil {
		return err
	}
	d.Approve = func(p stacks.Plan) (bool, error) {
		printPlan(os.Stderr, p)
		if c.Yes {
			return true, nil
		}
		return q.yes(ctx, "Make these changes?")
	}
	result, err := d.Deploy(ctx, settings)
	if errors.Is(err, stacks.ErrDeclined) {
		tell(os.Stderr, "Nothing was changed.")
		return nil
	}
	if err != nil {
		return interrupted(err)
	}
	return c.print(os.Stdout, result, func(w io.Writer) { printResultOf(w, settings, result) })
}

// deployer tells of its progress on standard error.
func deployer(ctx context.Context, region string) (stacks.Deployer, error) {
	d, err := wiring.Deployer(ctx, region)
	d.Tell = func(line string) { tell(os.Stderr, line) }
	return d, err
}

// interrupted says what to do after INT or TERM. Other errors stay.
func interrupted(err error) error {
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted. AWS finishes what it has begun; run the command again to go on")
	}
	return err
}

func printResultOf(w io.Writer, s stacks.Settings, r stacks.Result) {
	if !r.Changed {
		fmt.Fprintln(w, "No changes.")
	}
	pairs(w, [2]string{"portal", r.Address}, [2]string{"DNS", dnsAdvice(s.Host, r)})
	for _, warning := range r.Warnings {
		fmt.Fprintln(w, wrap("Note: "+warning, width(w), 6))
	}
}

func dnsAdvice(host string, r stacks.Result) string {
	if r.DNSTarget == "" {
		return ""
	}
	if host == "" {
		host = strings.TrimPrefix(r.Address, "https://")
	}
	return "a CNAME record from " + host + " to " + r.DNSTarget
}

type deployDiffCommand struct {
	output
	place
	choices
}

// Validate is ambiguous in the embedded structs, so it is written out.
func (c deployDiffCommand) Validate() error { return errors.Join(c.place.Validate(), c.validate()) }

func (c deployDiffCommand) Run(ctx context.Context) error {
	d, err := deployer(ctx, c.Region)
	if err != nil {
		return err
	}
	d.Unchecked = true // a plan needs fewer permissions
	plan, err := d.Diff(ctx, c.settings(c.Stack))
	if err != nil {
		return err
	}
	return c.print(os.Stdout, plan, func(w io.Writer) {
		printPlan(w, plan)
		if plan.Empty() {
			fmt.Fprintln(w, "No changes.")
		}
	})
}

// printPlan lists each change of an existing stack, and only counts those of new ones.
func printPlan(w io.Writer, p stacks.Plan) {
	fmt.Fprintf(w, "AWS account %s, Region %s\n\n", oneLine(p.Account), oneLine(p.Region))
	if p.Upload != "" {
		planned(w, "upload", "programs to "+p.Upload)
	}
	for _, s := range p.Stacks {
		text := s.Name + inRegion(s.Region)
		if s.Action == stacks.Create || s.Action == stacks.Recreate {
			text += ", " + count(len(s.Changes), "resource")
		}
		planned(w, string(s.Action), text)
		if s.Action != stacks.Update {
			continue
		}
		for _, c := range s.Changes {
			did := string(c.Kind)
			if c.Stateful && (c.Kind == stacks.Replace || c.Kind == stacks.Remove) {
				did = strings.ToUpper(did)
			}
			fmt.Fprintf(w, "            %-8s %s (%s)\n", did, oneLine(c.Resource), oneLine(c.Type))
		}
	}
	for _, danger := range p.Dangers() {
		fmt.Fprintln(w, wrap(danger+" holds data. It stays as it is unless you add --allow "+danger+".", width(w), 0))
	}
	fmt.Fprintln(w)
}

// inRegion names another Region than the portal's.
func inRegion(region string) string {
	if region == "" {
		return ""
	}
	return " in " + region
}

func planned(w io.Writer, action, text string) { fmt.Fprintf(w, "  %-9s %s\n", action, oneLine(text)) }

type deployStatusCommand struct {
	output
	place
	Zip string `default:"bin/lambda-arm64.zip" placeholder:"FILE" help:"The programs for AWS Lambda to compare with. If there is no such file, they are not compared."`
}

// Validate is ambiguous in the embedded structs, so it is written out.
func (c deployStatusCommand) Validate() error { return c.place.Validate() }

func (c deployStatusCommand) Run(ctx context.Context) error {
	d, err := deployer(ctx, c.Region)
	if err != nil {
		return err
	}
	status, err := d.Status(ctx, c.Stack, c.Zip)
	if err != nil {
		return err
	}
	return c.print(os.Stdout, status, func(w io.Writer) { printStatus(w, status) })
}

func printStatus(w io.Writer, s stacks.Status) {
	pairs(w, [2]string{"account", s.Account}, [2]string{"Region", s.Region}, [2]string{"portal", s.Address})
	fmt.Fprintln(w)
	for _, one := range s.Stacks {
		text := one.Name + inRegion(one.Region) + ": " + one.Status
		if one.Programs != "" {
			text += ", " + one.Programs
		}
		mark := "ok"
		if one.Problem != "" {
			mark = "LOOK"
		}
		row(w, mark, oneLine(text))
		advise(w, one.Problem)
	}
	fmt.Fprintln(w)
	var rows [][]string
	for _, q := range s.Queues {
		if q.Messages() > 0 || !q.Dead {
			rows = append(rows, []string{q.Name + inRegion(q.Region), fmt.Sprint(q.Waiting), fmt.Sprint(q.InWork), fmt.Sprint(q.Delayed)})
		}
	}
	table(w, "", []string{"queue", "waiting", "in work", "delayed"}, rows)
}
