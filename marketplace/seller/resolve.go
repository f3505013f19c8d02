package seller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/marketplacemetering"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// MaxToken is the maximum length of a registration token. AWS documents none; its tokens have a few
// hundred characters.
const MaxToken = 8 << 10

// Resolve returns what a buyer bought, by AWS Marketplace's registration token. AWS gives the
// same answer until the token expires, one to a few hours after its issue. No error contains the
// token.
//
// An unknown token is ErrInvalidToken, an expired one ErrExpiredToken; both have the code
// portal.Invalid. Other errors are those of every call.
func (s *Seller) Resolve(ctx context.Context, token string) (events.Purchase, error) {
	const doing = "resolving a registration token"
	token = strings.TrimSpace(token)
	if token == "" || len(token) > MaxToken || strings.ContainsFunc(token, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return events.Purchase{}, invalidToken(doing, "not sent to AWS")
	}
	out, err := s.metering.ResolveCustomer(ctx, &marketplacemetering.ResolveCustomerInput{RegistrationToken: &token})
	switch code := codeOf(err); {
	case code == "InvalidTokenException", code == "ValidationException":
		return events.Purchase{}, invalidToken(doing, said(err))
	case code == "ExpiredTokenException" && !aboutCredentials(err):
		return events.Purchase{}, &portal.Error{
			Code: portal.Invalid, Err: fmt.Errorf("%s: %w", doing, ErrExpiredToken),
			Message: "This link of AWS Marketplace has expired. Open your subscriptions on AWS Marketplace and set up your account from there again.",
		}
	}
	if err != nil {
		return events.Purchase{}, failure(doing, err)
	}
	bought := events.Purchase{
		Product: portal.ProductCode(aws.ToString(out.ProductCode)), Buyer: portal.AWSAccount(aws.ToString(out.CustomerAWSAccountId)),
		Customer: aws.ToString(out.CustomerIdentifier), ARN: aws.ToString(out.LicenseArn),
	}
	if bought.Product == "" || bought.Customer == "" && bought.ARN == "" {
		return events.Purchase{}, &portal.Error{
			Code: portal.Unavailable, Message: "AWS Marketplace's answer about your purchase is incomplete. Tell the operator of this portal.",
			Err: fmt.Errorf("%s: AWS named no product, or neither a customer nor a licence", doing),
		}
	}
	return bought, nil
}

// aboutCredentials reports whether AWS's credentials have expired, which has the same error code
// as an expired registration token.
func aboutCredentials(err error) bool {
	var answer smithy.APIError
	return errors.As(err, &answer) && strings.Contains(answer.ErrorMessage(), "security token")
}

func invalidToken(doing, said string) error {
	return &portal.Error{
		Code: portal.Invalid, Err: fmt.Errorf("%s: %w (%s)", doing, ErrInvalidToken, said),
		Message: "AWS Marketplace does not know this registration. Open your subscriptions on AWS Marketplace and set up your account from there again.",
	}
}
