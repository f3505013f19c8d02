// Package predecessor reads what the AWS Serverless Developer Portal keeps in AWS: its tables of
// people and feedback, the users of its user pool, and its catalog in S3.
package predecessor

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gatehouse-portal/gatehouse/migration"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// Tables are the names of its tables. "" is a table that it does not have.
type Tables struct {
	Customers, PreLogin, Feedback string
}

// Reader reads from AWS and writes nothing.
type Reader struct {
	DynamoDB dynamodb.ScanAPIClient
	Cognito  cognitoidentityprovider.ListUsersAPIClient
}

// Read reads people and feedback. pool is the user pool. A missing table is NotFound, and so is a
// missing pool.
func (r Reader) Read(ctx context.Context, tables Tables, pool string) (migration.Predecessor, error) {
	var p migration.Predecessor
	err := r.scan(ctx, tables.Customers, func(row attributes) {
		p.Customers = append(p.Customers, migration.Customer{
			Identity: row.text("Id"), Subject: row.text("UserPoolId"), Email: row.text("EmailAddress"),
			Key: portal.GatewayKeyID(row.text("ApiKeyId")), Status: row.text("RegistrationStatus"),
		})
	})
	if err == nil {
		err = r.scan(ctx, tables.PreLogin, func(row attributes) {
			p.PreLogin = append(p.PreLogin, migration.Customer{
				Subject: row.text("UserId"), Email: row.text("EmailAddress"), Status: row.text("RegistrationStatus"),
			})
		})
	}
	if err == nil {
		err = r.scan(ctx, tables.Feedback, func(row attributes) {
			p.Feedback = append(p.Feedback, migration.TableFeedback{ID: row.text("Id"), Identity: row.text("UserId"), Text: row.text("Message"), Time: row.text("Time")})
		})
	}
	if err == nil {
		p.Users, err = r.users(ctx, pool)
	}
	return p, err
}

type attributes map[string]types.AttributeValue

// text is "" for an attribute of another type.
func (a attributes) text(name string) string {
	value, _ := a[name].(*types.AttributeValueMemberS)
	if value == nil {
		return ""
	}
	return value.Value
}

func (r Reader) scan(ctx context.Context, table string, visit func(attributes)) error {
	if table == "" {
		return nil
	}
	pages := dynamodb.NewScanPaginator(r.DynamoDB, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		var missing *types.ResourceNotFoundException
		if errors.As(err, &missing) {
			return portal.Fail(portal.NotFound, fmt.Sprintf("There is no table %s in this Region. Name the right one with --customers, --pre-login or --feedback. Of the last two, give an empty name if the portal had none.", table))
		}
		if err != nil {
			return fmt.Errorf("reading table %s: %w", table, err)
		}
		for _, row := range page.Items {
			visit(row)
		}
	}
	return nil
}

func (r Reader) users(ctx context.Context, pool string) (map[string]migration.User, error) {
	users := map[string]migration.User{}
	pages := cognitoidentityprovider.NewListUsersPaginator(r.Cognito, &cognitoidentityprovider.ListUsersInput{
		UserPoolId: &pool, AttributesToGet: []string{"sub", "email", "email_verified"},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing the users of user pool %s: %w", pool, err)
		}
		for _, user := range page.Users {
			said := map[string]string{}
			for _, a := range user.Attributes {
				said[aws.ToString(a.Name)] = aws.ToString(a.Value)
			}
			users[said["sub"]] = migration.User{Email: said["email"], Verified: said["email_verified"] == "true"}
		}
	}
	return users, nil
}

// ReadIdentities reads a file of identity ids and whose they are, a subject or an e-mail address, as
// CSV. Its errors name the line.
func ReadIdentities(file io.Reader) (map[string]string, error) {
	rows := csv.NewReader(file)
	rows.FieldsPerRecord, rows.TrimLeadingSpace = -1, true
	whose := map[string]string{}
	for {
		record, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return whose, nil
		}
		if err != nil {
			return nil, portal.Fail(portal.Invalid, fmt.Sprintf("The file of identities is not CSV: %v.", err))
		}
		line, _ := rows.FieldPos(0)
		if len(record) != 2 || strings.TrimSpace(record[1]) == "" {
			return nil, portal.Fail(portal.Invalid, fmt.Sprintf("Line %d of the file of identities: write an identity id, a comma, and the subject or e-mail address of its user.", line))
		}
		id, user := strings.TrimSpace(strings.TrimPrefix(record[0], "\ufeff")), strings.TrimSpace(record[1])
		if before, known := whose[id]; known && before != user {
			return nil, portal.Fail(portal.Invalid, fmt.Sprintf("Line %d of the file of identities gives an identity id of an earlier line to another user. Remove one of the lines.", line))
		}
		whose[id] = user
	}
}
