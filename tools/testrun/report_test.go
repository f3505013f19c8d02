package main

import (
	"strings"
	"testing"
)

func reported(events ...string) string {
	var out strings.Builder
	r := newReport(&out)
	_ = r.read(strings.NewReader(strings.Join(events, "\n") + "\n"))
	r.close()
	return out.String()
}

func TestAPackageThatPassesIsOneLine(t *testing.T) {
	got := reported(
		`{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}`,
		`{"Action":"output","Package":"p","Test":"TestA","Output":"chatter\n"}`,
		`{"Action":"pass","Package":"p","Test":"TestA"}`,
		`{"Action":"output","Package":"p","Output":"PASS\n"}`,
		`{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}`,
		`{"Action":"pass","Package":"p"}`,
	)
	if want := "ok  \tp\t0.1s\n\n1 tests passed, 0 failed, 0 skipped.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAFailedTestPrintsItsOutputAndItsMessageOnceMoreAtTheEnd(t *testing.T) {
	got := reported(
		`{"Action":"output","Package":"p","Test":"TestB","Output":"=== RUN   TestB\n"}`,
		`{"Action":"output","Package":"p","Test":"TestB","Output":"    b_test.go:3: no\n"}`,
		`{"Action":"output","Package":"p","Test":"TestB","Output":"        more of it\n"}`,
		`{"Action":"output","Package":"p","Test":"TestB","Output":"--- FAIL: TestB (0.00s)\n"}`,
		`{"Action":"fail","Package":"p","Test":"TestB"}`,
		`{"Action":"output","Package":"p","Test":"TestA","Output":"chatter\n"}`,
		`{"Action":"pass","Package":"p","Test":"TestA"}`,
		`{"Action":"output","Package":"p","Output":"FAIL\n"}`,
		`{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}`,
		`{"Action":"fail","Package":"p"}`,
	)
	want := "    b_test.go:3: no\n        more of it\n--- FAIL: TestB (0.00s)\nFAIL\nFAIL\tp\t0.1s\n\n1 tests passed, 1 failed, 0 skipped.\nFAIL: b_test.go:3: no (TestB in p)\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestATestThatLacksSomethingIsListedAtTheEnd(t *testing.T) {
	got := reported(
		`{"Action":"output","Package":"p","Test":"TestC","Output":"    c_test.go:9: NOT RUN: chromium is not installed\n"}`,
		`{"Action":"output","Package":"p","Test":"TestC","Output":"--- SKIP: TestC (0.00s)\n"}`,
		`{"Action":"skip","Package":"p","Test":"TestC"}`,
		`{"Action":"output","Package":"p","Test":"TestD","Output":"    d_test.go:9: another reason\n"}`,
		`{"Action":"skip","Package":"p","Test":"TestD"}`,
		`{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}`,
		`{"Action":"pass","Package":"p"}`,
	)
	if !strings.Contains(got, "0 failed, 2 skipped.\nNOT RUN: chromium is not installed (TestC in p)\n") {
		t.Errorf("the test is not listed: %q", got)
	}
	if strings.Contains(got, "another reason") {
		t.Errorf("a test that lacks nothing is listed: %q", got)
	}
}

func TestAPanicIsRepeatedAtTheEnd(t *testing.T) {
	got := reported(
		`{"Action":"output","Package":"p","Test":"TestE","Output":"panic: test timed out after 20m0s\n"}`,
		`{"Action":"output","Package":"p","Test":"TestE","Output":"\tgoroutine 1\n"}`,
		`{"Action":"output","Package":"p","Output":"panic: in TestMain\n"}`,
		`{"Action":"fail","Package":"p"}`,
	)
	if want := "\nFAIL: panic: test timed out after 20m0s (TestE in p)\nFAIL: panic: in TestMain (p)\n"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want %q at its end", got, want)
	}
}

func TestABuildFailurePrintsTheCompilersErrors(t *testing.T) {
	got := reported(
		`{"Action":"build-output","ImportPath":"p","Output":"p.go:1: undefined: x\n"}`,
		`{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}`,
		`{"Action":"fail","Package":"p"}`,
	)
	if want := "p.go:1: undefined: x\nFAIL\tp [build failed]\n"; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want it to begin with %q", got, want)
	}
}

func TestAnUnfinishedPackageIsPrinted(t *testing.T) {
	got := reported(`{"Action":"output","Package":"p","Test":"TestA","Output":"stuck here\n"}`, "not json")
	if !strings.Contains(got, "stuck here\n") || !strings.Contains(got, "not json\n") {
		t.Errorf("output is lost: %q", got)
	}
}
