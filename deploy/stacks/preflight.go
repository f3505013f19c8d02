package stacks

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// caller is whose credentials these are.
type caller struct{ account, arn string }

func (d Deployer) caller(ctx context.Context) (caller, error) {
	me, err := sts.NewFromConfig(d.AWS).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return caller{}, fmt.Errorf("asking AWS whose credentials these are: %w", err)
	}
	return caller{aws.ToString(me.Account), aws.ToString(me.Arn)}, nil
}

// principal is the user or role whose policies count. The ARN of a role's session lacks the role's path,
// which IAM Identity Center gives its roles, so IAM is asked for it.
func (d Deployer) principal(ctx context.Context, c caller) string {
	parts := strings.SplitN(c.arn, ":", 6)
	if len(parts) < 6 {
		return c.arn
	}
	role, assumed := strings.CutPrefix(parts[5], "assumed-role/")
	if !assumed {
		return c.arn
	}
	name, _, _ := strings.Cut(role, "/")
	out, err := iam.NewFromConfig(d.AWS).GetRole(ctx, &iam.GetRoleInput{RoleName: &name})
	if err != nil || out.Role == nil {
		return "arn:" + parts[1] + ":iam::" + c.account + ":role/" + name
	}
	return aws.ToString(out.Role.Arn)
}

func (c caller) isRoot() bool { return strings.HasSuffix(c.arn, ":root") }

// Preflight checks credentials and permissions before an operator answers questions or approves anything. It
// fails if AWS does not accept the credentials, or if IAM says that permissions are missing. As long as it is
// open how a new portal runs, only the permissions count that every way needs. Deploy checks all of them again.
func (d Deployer) Preflight(ctx context.Context, s Settings) error {
	me, err := d.caller(ctx)
	if err != nil {
		return err
	}
	all, err := d.look(ctx, s.Name)
	if err != nil {
		return err
	}
	if s.Run == "" {
		s.Run = knownFrom(all).Run
	}
	_, err = d.checkPermissions(ctx, me, s, all)
	return err
}

// checkPermissions names all permissions that the caller lacks for a deployment. If that cannot be found out, it
// returns a warning.
func (d Deployer) checkPermissions(ctx context.Context, me caller, s Settings, all []stack) (warning string, err error) {
	return d.simulate(ctx, me, s.deployingActions(all))
}

// simulate names all actions that the caller may not do. If that cannot be found out, it returns a warning. IAM
// evaluates the caller's own policies for any resource: a policy of an organization may still deny, and one that
// names resources may allow what is needed.
func (d Deployer) simulate(ctx context.Context, me caller, actions []string) (warning string, err error) {
	if d.Unchecked || me.isRoot() {
		return "", nil
	}
	out, err := iam.NewFromConfig(d.AWS).SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: aws.String(d.principal(ctx, me)), ActionNames: actions, MaxItems: aws.Int32(1000),
	})
	if isInterrupted(ctx, err) {
		return "", err
	}
	if err != nil || len(out.EvaluationResults) < len(actions) {
		return "It could not be checked beforehand whether your credentials have all permissions, since IAM does not tell them (iam:SimulatePrincipalPolicy).", nil
	}
	var denied []string
	for _, one := range out.EvaluationResults {
		if one.EvalDecision != types.PolicyEvaluationDecisionTypeAllowed {
			denied = append(denied, aws.ToString(one.EvalActionName))
		}
	}
	if len(denied) == 0 {
		return "", nil
	}
	return "", fmt.Errorf("nothing was changed, since %s lacks these permissions: %s.\nAsk an administrator for them, or use other credentials. If your policies allow them for single resources only, add --unchecked", me.arn, strings.Join(denied, ", "))
}

func isInterrupted(ctx context.Context, err error) bool { return err != nil && ctx.Err() != nil }
