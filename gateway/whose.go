package gateway

import (
	"context"
	"crypto/subtle"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// KeyOfValue finds the key with a value among those whose names begin with namePrefix. API
// Gateway cannot look up values, so this reads keys with their values, 500 to a call. calls
// counts the calls.
func (s *Session) KeyOfValue(ctx context.Context, namePrefix, value string) (key Listed, found bool, calls int, err error) {
	for position := ""; ; {
		calls++
		position, err = s.ValuesPage(ctx, namePrefix, position, func(one Listed, its string) {
			if subtle.ConstantTimeCompare([]byte(its), []byte(value)) == 1 {
				key, found = one, true
			}
		})
		if found || err != nil || position == "" {
			return key, found, calls, err
		}
	}
}

// KeyByID reads one key; found is false if it is gone.
func (s *Session) KeyByID(ctx context.Context, id portal.GatewayKeyID) (key Listed, found bool, err error) {
	var out *apigateway.GetApiKeyOutput
	err = s.call(ctx, ReadAPIKey, func(ctx context.Context) (err error) {
		out, err = s.cp.client.GetApiKey(ctx, &apigateway.GetApiKeyInput{ApiKey: aws.String(string(id)), IncludeValue: aws.Bool(false)})
		return err
	})
	if IsNotFound(err) {
		return Listed{}, false, nil
	}
	if err != nil {
		return Listed{}, false, asUnavailable(err)
	}
	return Listed{ID: portal.GatewayKeyID(aws.ToString(out.Id)), Name: aws.ToString(out.Name), Disabled: !out.Enabled, Issued: issued(out.Description)}, true, nil
}

// ValuesPage visits a page of at most 500 keys whose names begin with namePrefix, with their values;
// for positions see UsagePlansPage.
func (s *Session) ValuesPage(ctx context.Context, namePrefix, position string, visit func(key Listed, value string)) (next string, err error) {
	var out *apigateway.GetApiKeysOutput
	err = s.read(ctx, ListAPIKeys, func(ctx context.Context) (err error) {
		out, err = s.cp.client.GetApiKeys(ctx, &apigateway.GetApiKeysInput{
			NameQuery: unlessEmpty(namePrefix), IncludeValues: aws.Bool(true), Limit: pageSize, Position: startAt(position),
		})
		return err
	})
	if err != nil {
		return "", err
	}
	for _, item := range out.Items {
		visit(Listed{ID: portal.GatewayKeyID(aws.ToString(item.Id)), Name: aws.ToString(item.Name), Disabled: !item.Enabled}, aws.ToString(item.Value))
	}
	return aws.ToString(out.Position), nil
}
