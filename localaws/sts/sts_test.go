package sts_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
)

func TestTheCallerIsTheLocalUserOfTheLocalAccount(t *testing.T) {
	t.Parallel()
	client := sts.NewFromConfig(localawstest.Start(t).AWSConfig())
	who, err := client.GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(who.Account); got != localaws.Account {
		t.Errorf("the account is %q, want %q", got, localaws.Account)
	}
	if got, want := aws.ToString(who.Arn), "arn:aws:iam::"+localaws.Account+":user/local"; got != want {
		t.Errorf("the ARN is %q, want %q", got, want)
	}
	if aws.ToString(who.UserId) == "" {
		t.Error("the user id is missing")
	}
}

const role = "arn:aws:iam::" + localaws.Account + ":role/sales/seller"

func TestTheCredentialsOfARoleActAsTheRole(t *testing.T) {
	t.Parallel()
	cfg := localawstest.Start(t).AWSConfig()
	assumed, err := sts.NewFromConfig(cfg).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(role), RoleSessionName: aws.String("gatehouse")})
	if err != nil {
		t.Fatal(err)
	}
	given := assumed.Credentials
	if aws.ToString(given.SessionToken) == "" || aws.ToTime(given.Expiration).IsZero() {
		t.Errorf("the credentials are %+v", given)
	}
	cfg.Credentials = credentials.NewStaticCredentialsProvider(*given.AccessKeyId, *given.SecretAccessKey, *given.SessionToken)
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "arn:aws:sts::" + localaws.Account + ":assumed-role/seller/gatehouse"
	if aws.ToString(who.Arn) != want || aws.ToString(assumed.AssumedRoleUser.Arn) != want || aws.ToString(who.Account) != localaws.Account {
		t.Errorf("the caller is %s, and the role %s; want %s", aws.ToString(who.Arn), aws.ToString(assumed.AssumedRoleUser.Arn), want)
	}
}

func TestARoleIsRefusedAsOnAWS(t *testing.T) {
	t.Parallel()
	client := sts.NewFromConfig(localawstest.Start(t).AWSConfig(), func(o *sts.Options) { o.RetryMaxAttempts = 1 })
	for name, c := range map[string]struct {
		role, session string
		seconds       int32
		code          string
	}{
		"a role of another account": {"arn:aws:iam::111122223333:role/seller", "gatehouse", 3600, "AccessDenied"},
		"no ARN of a role":          {"arn:aws:iam::" + localaws.Account + ":user/seller", "gatehouse", 3600, "ValidationError"},
		"a blank in a name":         {role, "gate house", 3600, "ValidationError"},
		"a very short session":      {role, "gatehouse", 60, "ValidationError"},
		"a very long session":       {role, "gatehouse", 90000, "ValidationError"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: &c.role, RoleSessionName: &c.session, DurationSeconds: &c.seconds})
			var refused smithy.APIError
			if !errors.As(err, &refused) || refused.ErrorCode() != c.code {
				t.Errorf("got %v, want %s", err, c.code)
			}
		})
	}
}
