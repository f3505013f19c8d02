package stacks

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// Result is a portal that is deployed.
type Result struct {
	// Changed is false if nothing had to change.
	Changed bool   `json:"changed"`
	Address string `json:"address"`
	// DNSTarget is where the host name's record must point, or "" if the operator need not make the record.
	DNSTarget string `json:"dns_target,omitempty"`
	// Warnings tell the operator what else to do or to mind.
	Warnings []string `json:"warnings,omitempty"`
}

// ErrDeclined means that the operator did not approve, so nothing was changed.
var ErrDeclined = errors.New("nothing was changed")

// Deploy creates or updates a portal. Before it changes anything, it checks credentials, settings and
// permissions, and has the plan approved.
func (d Deployer) Deploy(ctx context.Context, s Settings) (Result, error) {
	r, err := d.prepareRun(ctx, s)
	if err != nil {
		return Result{}, err
	}
	plan, err := r.plan(ctx)
	if err != nil {
		return Result{}, err
	}
	if err := r.settings.refuse(plan.Dangers()); err != nil {
		return Result{}, err
	}
	if d.Approve != nil && !plan.Empty() {
		yes, err := d.Approve(plan)
		if err != nil {
			return Result{}, err
		}
		if !yes {
			return Result{}, ErrDeclined
		}
	}
	if plan.Upload != "" {
		d.say("Uploading the programs to " + plan.Upload + ".")
		if err := d.upload(ctx, *r.code, r.account); err != nil {
			return Result{}, err
		}
	}
	return r.apply(ctx, plan)
}

// Diff says what Deploy would change. It changes nothing.
func (d Deployer) Diff(ctx context.Context, s Settings) (Plan, error) {
	r, err := d.prepareRun(ctx, s)
	if err != nil {
		return Plan{}, err
	}
	return r.plan(ctx)
}

// run is one deployment.
type run struct {
	Deployer
	settings Settings
	account  string
	// me is the user or role that deploys, or "" for one that no policy can name.
	me     string
	stacks []stack
	// code is nil unless portal and workers run on AWS Lambda and a zip is given.
	code     *code
	warnings []string
}

// prepareRun reports all faults of the settings together: those of each one, those that follow from the portal's
// stacks, and those of the zip.
func (d Deployer) prepareRun(ctx context.Context, s Settings) (*run, error) {
	faults := s.Check(d.AWS.Region)
	if faults != nil && (CheckName(s.Name) != nil || CheckRun(s.Run) != nil) {
		return nil, faults // nothing else can be found out
	}
	me, err := d.caller(ctx)
	if err != nil {
		return nil, err
	}
	r := &run{Deployer: d, settings: s, account: me.account}
	if r.stacks, err = d.look(ctx, s.Name); err != nil {
		return nil, err
	}
	for i, one := range r.stacks {
		if r.stacks[i], err = d.awaitOthers(ctx, one); err != nil {
			return nil, err
		}
	}
	s.region = d.AWS.Region
	r.settings, err = s.completed(r.stacks)
	if err := errors.Join(faults, s.accountFaults(me.account), err, r.settings.parameterFaults(r.stacks), r.addCode()); err != nil {
		return nil, err
	}
	if arn := d.principal(ctx, me); principalForm.MatchString(arn) {
		r.me = arn
	}
	warning, err := d.checkPermissions(ctx, me, r.settings, r.stacks)
	if err != nil {
		return nil, err
	}
	if warning != "" {
		r.warnings = append(r.warnings, warning)
	}
	return r, nil
}

// completed fills in settings from the parameters of the existing stacks. The error says all that is missing, and
// all that contradicts those stacks.
func (s Settings) completed(all []stack) (Settings, error) {
	var faults []error
	wrong := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	var running *stack
	for i, one := range all {
		if one.runs() && one.exists() {
			running = &all[i]
		}
	}
	if running != nil {
		mode := runModeOf(*running)
		if s.Run == "" {
			s.Run = mode
		}
		if (s.Run == Lambda) != (mode == Lambda) {
			wrong("this portal runs in the stack %s, so it cannot run as %s as well. Delete that stack first; no data is in it:\naws cloudformation delete-stack --region %[3]s --stack-name %[1]s", running.name, s.Run, s.region)
		}
	}
	if s.Run == "" {
		s.Run = Lambda
	}
	for _, one := range all {
		if one.template == "identity" && one.exists() && s.Issuer != "" {
			wrong("this portal has the user pool of the stack %s, so it cannot have another identity provider as well", one.name)
		}
	}
	if running == nil {
		running = &stack{}
	}
	was := running.parameters
	if s.Issuer == "" && !hasIdentity(all) {
		s.Issuer, s.ClientID = was["OidcIssuer"], was["OidcClientId"]
	}
	var missing []string
	need := func(flag, given, before string, needed bool) {
		if needed && given == "" && before == "" {
			missing = append(missing, flag)
		}
	}
	inContainers := s.Run != Lambda
	need("--host", s.Host, was["DomainName"], inContainers)
	need("--certificate", s.Certificate, was["CertificateArn"], inContainers || s.Host != "")
	need("--image", s.Image, was["Image"], inContainers)
	need("--vpc", s.VPC, was["VpcId"], inContainers)
	need("--subnet", strings.Join(s.Subnets, ""), was["SubnetIds"], inContainers)
	if len(missing) > 0 {
		wrong("this portal also needs %s", strings.Join(missing, ", "))
	}
	if s.Run == Containers && len(s.Subnets) == 1 {
		wrong("the load balancer needs two subnets in different zones, and --subnet names one")
	}
	if s.Certificate != "" && s.Host == "" && was["DomainName"] == "" && !inContainers {
		wrong("--certificate needs its host name: add --host")
	}
	if s.Host == "" {
		s.Host, s.signInHost = was["DomainName"], running.outputs["HostName"]
	} else if now := running.hostName(); now != s.Host {
		s.signInHost = now
	}
	// VPC endpoints are where the containers are.
	if s.VPC == "" {
		s.VPC = was["VpcId"]
	}
	if len(s.Subnets) == 0 && was["SubnetIds"] != "" {
		s.Subnets = strings.Split(was["SubnetIds"], ",")
	}
	for _, one := range all {
		if one.template == alarmsTemplate {
			s.alarmsTo = one.parameters["AlarmEmail"]
		}
	}
	s.cdn, s.sells, s.watched = s.behindCDN(all), s.sellsHere(all), s.watchesTrail(all)
	if s.cdn && s.Zone == "" {
		s.Zone = was["HostedZoneId"]
	}
	return s, errors.Join(append(faults, s.optionFaults(all, *running)...)...)
}

func hasIdentity(all []stack) bool {
	for _, one := range all {
		if one.template == "identity" && one.exists() {
			return true
		}
	}
	return false
}

func runModeOf(s stack) RunMode {
	switch {
	case s.template == "lambda":
		return Lambda
	case s.parameters["Size"] == "small":
		return Small
	}
	return Containers
}

// addCode reads the zip, if portal and workers run on AWS Lambda, and adds the parameters that name it.
func (r *run) addCode() error {
	if r.settings.Run != Lambda {
		return nil
	}
	c, err := r.readCode(r.settings.Zip, r.settings.Name, r.account)
	if err != nil {
		return err
	}
	r.code = &c
	more := maps.Clone(r.settings.Parameters)
	if more == nil {
		more = map[string]string{}
	}
	more["CodeBucket"], more["CodeKey"], more["Architecture"] = c.bucket, c.key, c.architecture
	r.settings.Parameters = more
	return nil
}

func (r *run) plan(ctx context.Context) (Plan, error) {
	p, err := r.planStacks(ctx)
	if err != nil || r.code == nil {
		return p, err
	}
	there, err := r.uploaded(ctx, *r.code, r.account)
	if err == nil && !there {
		p.Upload = r.code.bucket + "/" + r.code.key
	}
	return p, err
}

// apply brings each stack up to date, in order, with the outputs of those before it.
func (r *run) apply(ctx context.Context, plan Plan) (Result, error) {
	out := Result{Changed: !plan.Empty()}
	outputs := map[string]string{}
	for i, have := range r.stacks {
		if !r.settings.wants(have.layer, have.exists()) {
			continue
		}
		given, err := r.given(have, outputs)
		if err != nil {
			return Result{}, err
		}
		now, err := r.applyStack(ctx, have, given)
		if err != nil {
			return Result{}, err
		}
		r.stacks[i] = now
		copyOutputs(outputs, now)
		switch have.template {
		case "data":
			if r.Prepare != nil {
				if err := r.Prepare(ctx, r.settings.Name, now.outputs["KmsKeyArn"]); err != nil {
					return Result{}, err
				}
			}
		case "identity":
			if err := r.addAdmin(ctx, now); err != nil {
				return Result{}, err
			}
		case "cdn":
			out.DNSTarget = now.outputs["CdnTarget"]
			if now.parameters["CdnHostedZoneId"] != "" {
				out.DNSTarget = ""
			}
		case "marketplace":
			if err := r.tellData(ctx); err != nil {
				return Result{}, err
			}
		}
		if have.runs() {
			// The alarms and the dashboard forget what the portal no longer has.
			for _, watched := range []string{"LoadBalancerName", "HttpApiId", "WorkerFunctionName"} {
				outputs[watched] = now.outputs[watched]
			}
			if err := r.tellData(ctx); err != nil {
				return Result{}, err
			}
			out.Address, out.DNSTarget = now.outputs["Address"], now.outputs["DnsTarget"]
			if now.parameters["HostedZoneId"] != "" {
				out.DNSTarget = ""
			}
			if err := r.tellIdentity(ctx, now); err != nil {
				return Result{}, err
			}
		}
		r.advise(have, now)
	}
	if r.ReadCatalog != nil && plan.changes(r.settings.Name+demoLayer.suffix) {
		if err := r.ReadCatalog(ctx, r.settings.Name); err != nil {
			return Result{}, fmt.Errorf("having the workers read the catalog: %w", err)
		}
	}
	if r.settings.Issuer != "" && r.settings.Admin != "" {
		r.warnings = append(r.warnings, "Make "+r.settings.Admin+" an admin at your identity provider: put them into the group admins, or the one of the parameter AdminGroup.")
	}
	out.Warnings = r.warnings
	return out, nil
}

// advise adds what an operator must do or mind after a stack was created or updated.
func (r *run) advise(before, now stack) {
	warn := func(text string) { r.warnings = append(r.warnings, text) }
	if warning := now.outputs["MailWarning"]; warning != "" {
		warn(warning + " Add --parameter SesIdentityArn=… and --parameter 'MailFrom=Acme <portal@example.com>' for an identity of SES.")
	}
	if to := now.parameters["AlarmEmail"]; now.template == alarmsTemplate && to != "" && to != before.parameters["AlarmEmail"] {
		warn("AWS has sent " + to + " a mail with a link. Alarms go there once somebody has opened the link.")
	}
	if before.usable() {
		return
	}
	switch {
	case now.template == "trail":
		warn("AWS CloudTrail needs a trail that records management events in this Region, or workers are told of nothing. docs/deploy.md#changes-made-directly-in-api-gateway says how to see whether there is one.")
	case now.runs() && now.parameters["Offer"] != "all" && !r.settings.Demo:
		warn("The portal offers a usage plan once it has the tag gatehouse:offer=true: docs/deploy.md#offer-a-plan.")
	}
}

// given are the outputs of other stacks that a stack gets as parameters.
func (r *run) given(have stack, outputs map[string]string) (map[string]string, error) {
	if have.template != dataLayer.template {
		return outputs, nil
	}
	t, err := have.read()
	if err != nil {
		return nil, err
	}
	return r.feedback(t, have, r.stacks), nil
}

// tellData gives the data stack what follows from stacks that were made after it: who may compute API keys, and
// whose notices of AWS Marketplace count.
func (r *run) tellData(ctx context.Context) error {
	data, err := r.describe(ctx, dataLayer, r.settings.Name)
	if err != nil {
		return err
	}
	given, err := r.given(data, nil)
	if err != nil {
		return err
	}
	for name, value := range given {
		if data.parameters[name] != value {
			_, err = r.applyStack(ctx, data, given)
			return err
		}
	}
	return nil
}

// hostName is the host name at which the stack's portal runs, or "" if it does not run.
func (s stack) hostName() string {
	if s.id == "" || s.neverCreated() {
		return ""
	}
	return cmp.Or(s.outputs["HostName"], s.parameters["DomainName"])
}

// tellIdentity gives the identity stack the portal's address, so that people can return from the sign-in pages.
// An address of API Gateway's is known only now. A new host name is told only now, since the portal keeps the
// old one if AWS refuses it.
func (r *run) tellIdentity(ctx context.Context, running stack) error {
	host := running.hostName()
	if r.settings.Host != "" && r.settings.signInHost == "" || host == "" || !hasIdentity(r.stacks) && !r.settings.wants(identityLayer, false) {
		return nil
	}
	identity, err := r.describe(ctx, identityLayer, r.settings.Name+identityLayer.suffix)
	if err != nil || identity.parameters["DomainName"] == host {
		return err
	}
	r.settings.signInHost = host
	_, err = r.applyStack(ctx, identity, nil)
	return err
}

func (r *run) applyStack(ctx context.Context, have stack, outputs map[string]string) (stack, error) {
	if have.neverCreated() {
		var err error
		if have, err = r.startOver(ctx, have); err != nil {
			return have, err
		}
	}
	text, err := have.text()
	if err != nil {
		return have, err
	}
	t, err := have.read()
	if err != nil {
		return have, err
	}
	proposed, err := r.propose(ctx, have, text, r.settings.values(have, t, outputs))
	switch {
	case err != nil:
		return have, err
	case proposed.empty:
		return have, nil
	}
	// The plan may be out of date: an output of an earlier stack may have changed since.
	if err := r.settings.refuse(dangers(have.name, proposed.changes)); err != nil {
		return have, errors.Join(err, r.discard(ctx, proposed))
	}
	verb := "Updating"
	if !have.usable() {
		verb = "Creating"
	}
	r.say(verb + " the stack " + have.name + ".")
	return r.execute(ctx, proposed)
}

// startOver deletes a stack whose creation failed, and the resources that it has left.
func (r *run) startOver(ctx context.Context, have stack) (stack, error) {
	r.say("The stack " + have.name + " could not be created the last time. Deleting what is left of it.")
	if err := r.in(have.layer).removeLeftovers(ctx, have); err != nil {
		return have, err
	}
	if err := r.delete(ctx, have, false); err != nil {
		return have, err
	}
	return stack{layer: have.layer, name: have.name, parameters: have.parameters}, nil
}

// delete deletes a stack and waits until it is gone. If loud, it says each event of the stack.
func (d Deployer) delete(ctx context.Context, have stack, loud bool) error {
	last, err := d.lastEvent(ctx, have)
	if err != nil {
		return err
	}
	if _, err := d.stacks(have.layer).DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &have.id}); err != nil {
		return fmt.Errorf("deleting the stack %s: %w", have.name, err)
	}
	now, err := d.follow(ctx, have, last, loud)
	if err != nil {
		return err
	}
	if now.exists() {
		return d.failure(ctx, now, "deleted", last)
	}
	return nil
}
