package sts_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
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

func TestAssumingARoleIsRefusedAsNotImplemented(t *testing.T) {
	t.Parallel()
	client := sts.NewFromConfig(localawstest.Start(t).AWSConfig(), func(o *sts.Options) { o.RetryMaxAttempts = 1 })
	_, err := client.AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn:         aws.String("arn:aws:iam::" + localaws.Account + ":role/any"),
		RoleSessionName: aws.String("any"),
	})
	var refused smithy.APIError
	if !errors.As(err, &refused) || refused.ErrorCode() != "NotImplementedException" {
		t.Errorf("got %v, want NotImplementedException", err)
	}
}
