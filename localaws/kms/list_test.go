package kms_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/google/go-cmp/cmp"
)

func TestAliasNamesFollowTheRulesAndAreUnique(t *testing.T) {
	t.Parallel()
	client := start(t)
	key := createKey(t, client, types.KeySpecHmac256)
	create := func(name, target string) error {
		_, err := client.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: &name, TargetKeyId: &target})
		return err
	}
	if err := create("alias/one", *key.KeyId); err != nil {
		t.Fatal(err)
	}
	wantCode(t, create("alias/one", *key.KeyId), "AlreadyExistsException")
	wantCode(t, create("one", *key.KeyId), "ValidationException")
	wantCode(t, create("alias/", *key.KeyId), "ValidationException")
	wantCode(t, create("alias/a b", *key.KeyId), "ValidationException")
	wantCode(t, create("alias/a:b", *key.KeyId), "ValidationException")
	wantCode(t, create("alias/aws/kms", *key.KeyId), "NotAuthorizedException")
	wantCode(t, create("alias/two", "alias/one"), "ValidationException")
	wantCode(t, create("alias/two", "1234abcd-12ab-34cd-56ef-1234567890ab"), "NotFoundException")
}

func TestAnAliasCanBeMovedToAnotherKeyAndDeleted(t *testing.T) {
	t.Parallel()
	client := start(t)
	one, two := createKey(t, client, types.KeySpecHmac256), createKey(t, client, types.KeySpecHmac256)
	name := aws.String("alias/moving")
	_, err := client.UpdateAlias(t.Context(), &kms.UpdateAliasInput{AliasName: name, TargetKeyId: one.KeyId})
	wantCode(t, err, "NotFoundException")
	if _, err := client.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: name, TargetKeyId: one.KeyId}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.UpdateAlias(t.Context(), &kms.UpdateAliasInput{AliasName: name, TargetKeyId: two.Arn}); err != nil {
		t.Fatal(err)
	}
	listed, err := client.ListAliases(t.Context(), &kms.ListAliasesInput{KeyId: two.KeyId})
	if err != nil {
		t.Fatal(err)
	}
	if len(listed.Aliases) != 1 || *listed.Aliases[0].AliasName != *name || *listed.Aliases[0].TargetKeyId != *two.KeyId {
		t.Errorf("the second key's aliases are %+v", listed.Aliases)
	}
	if _, err := client.DeleteAlias(t.Context(), &kms.DeleteAliasInput{AliasName: name}); err != nil {
		t.Fatal(err)
	}
	_, err = client.DeleteAlias(t.Context(), &kms.DeleteAliasInput{AliasName: name})
	wantCode(t, err, "NotFoundException")
}

func TestListsArePaged(t *testing.T) {
	t.Parallel()
	client := start(t)
	want := map[string]bool{}
	for i := range 5 {
		key := createKey(t, client, types.KeySpecHmac256)
		want[*key.KeyId] = true
		_, err := client.CreateAlias(t.Context(), &kms.CreateAliasInput{AliasName: aws.String(fmt.Sprintf("alias/a%d", i)), TargetKeyId: key.KeyId})
		if err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]bool{}
	pages := 0
	keys := kms.NewListKeysPaginator(client, &kms.ListKeysInput{Limit: aws.Int32(2)})
	for keys.HasMorePages() {
		out, err := keys.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, k := range out.Keys {
			got[*k.KeyId] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || pages != 3 {
		t.Errorf("%d pages (-want +got):\n%s", pages, diff)
	}
	var names []string
	aliases := kms.NewListAliasesPaginator(client, &kms.ListAliasesInput{Limit: aws.Int32(2)})
	for aliases.HasMorePages() {
		out, err := aliases.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range out.Aliases {
			names = append(names, *a.AliasName)
		}
	}
	if diff := cmp.Diff([]string{"alias/a0", "alias/a1", "alias/a2", "alias/a3", "alias/a4"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err := client.ListKeys(t.Context(), &kms.ListKeysInput{Marker: aws.String("?")})
	wantCode(t, err, "InvalidMarkerException")
}

func TestTagsAreAddedReplacedAndRemoved(t *testing.T) {
	t.Parallel()
	client := start(t)
	key := createKey(t, client, types.KeySpecHmac256)
	add := func(pairs ...string) error {
		in := &kms.TagResourceInput{KeyId: key.KeyId}
		for i := 0; i < len(pairs); i += 2 {
			in.Tags = append(in.Tags, types.Tag{TagKey: &pairs[i], TagValue: &pairs[i+1]})
		}
		_, err := client.TagResource(t.Context(), in)
		return err
	}
	if err := add("stage", "dev", "owner", "us"); err != nil {
		t.Fatal(err)
	}
	if err := add("stage", "prod"); err != nil {
		t.Fatal(err)
	}
	wantCode(t, add("aws:x", "y"), "TagException")
	wantCode(t, add("x", "1", "x", "2"), "TagException")
	if _, err := client.UntagResource(t.Context(), &kms.UntagResourceInput{KeyId: key.KeyId, TagKeys: []string{"owner", "none"}}); err != nil {
		t.Fatal(err)
	}
	out, err := client.ListResourceTags(t.Context(), &kms.ListResourceTagsInput{KeyId: key.KeyId})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Tags) != 1 || *out.Tags[0].TagKey != "stage" || *out.Tags[0].TagValue != "prod" {
		t.Errorf("the tags are %+v", out.Tags)
	}
}
