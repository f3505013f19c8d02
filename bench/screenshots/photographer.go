package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// look is a way in which people see a page.
type look struct {
	name   string
	width  int64
	scheme string
}

var looks = []look{{"wide", 1280, "light"}, {"dark", 1280, "dark"}, {"narrow", 320, "light"}}

const (
	windowHeight      = 900
	firstScreenHeight = 820
)

// withTab opens a browser that reaches only this machine, with one tab, while f
// runs.
func withTab(ctx context.Context, chromium string, f func(context.Context) error) error {
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"),
		chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("lang", "en-GB"),
		chromedp.WSURLReadTimeout(time.Minute),
	)
	ctx, stop := chromedp.NewExecAllocator(ctx, options...)
	defer stop()
	ctx, stop = chromedp.NewContext(ctx)
	defer stop()
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, windowHeight)); err != nil {
		return fmt.Errorf("starting chromium: %w", err)
	}
	return f(ctx)
}

type photographer struct {
	base, dir, only string
	out             io.Writer
}

func (p *photographer) open(ctx context.Context, path string) error {
	if err := chromedp.Do(ctx, chromedp.Navigate(p.base+path)); err != nil {
		return fmt.Errorf("opening %s: %w", path, err)
	}
	return waitUntil(ctx, loaded)
}

func (p *photographer) reloadUntil(ctx context.Context, path, expression string) error {
	for {
		if err := p.open(ctx, path); err != nil {
			return err
		}
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if err != nil || ok {
			return err
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
}

func (p *photographer) take(ctx context.Context, page page) error {
	if !strings.Contains(page.name, p.only) {
		return nil
	}
	err := p.open(ctx, page.path)
	if err == nil && page.prepare != nil {
		err = page.prepare(ctx)
	}
	if err == nil && page.ready != "" {
		err = waitUntil(ctx, page.ready)
	}
	if err == nil {
		err = p.takeThis(ctx, page)
	}
	if err != nil {
		return fmt.Errorf("taking %s: %w", page.name, err)
	}
	return nil
}

func (p *photographer) takeThis(ctx context.Context, page page) error {
	for _, l := range looks {
		if err := setLook(ctx, l, windowHeight); err != nil {
			return err
		}
		// The script lays some pages out for the window at the time of opening.
		if page.prepare == nil {
			if err := p.open(ctx, page.path); err != nil {
				return err
			}
		}
		picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err == nil {
			err = p.write(page.name+"-"+l.name, picture)
		}
		if err != nil {
			return err
		}
	}
	if page.firstScreen == "" {
		return setLook(ctx, looks[0], windowHeight)
	}
	return p.takeFirstScreen(ctx, page)
}

func (p *photographer) takeFirstScreen(ctx context.Context, page page) error {
	if err := setLook(ctx, looks[0], cmp.Or(page.height, firstScreenHeight)); err != nil {
		return err
	}
	top := "scrollTo(0, 0)"
	if page.from != "" {
		top = "scrollTo(0, document.querySelector(`" + page.from + "`).getBoundingClientRect().top + scrollY - 24)"
	}
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](top+", true")); err != nil {
		return err
	}
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return err
	}
	width, err := chromedp.Run(ctx, chromedp.Evaluate[int]("document.body.clientWidth"))
	if err == nil {
		picture, err = forReadme(picture, width)
	}
	if err != nil {
		return err
	}
	return p.write(page.firstScreen, picture)
}

// setLook also hides the caret and stops animations.
func setLook(ctx context.Context, l look, height int64) error {
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: l.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		return err
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(l.width, height)); err != nil {
		return err
	}
	return waitUntil(ctx, fmt.Sprintf(`document.activeElement?.blur(), scrollTo(0, 0), innerWidth === %d && document.fonts.status === "loaded" && `, l.width)+
		`[...document.images].every((i) => i.complete || i.loading === "lazy")`)
}

// forReadme cuts off the space of the scroll bar, and keeps the 256 most frequent colours,
// which makes the file a third as large.
func forReadme(picture []byte, width int) ([]byte, error) {
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, err
	}
	area := image.Rect(0, 0, width, decoded.Bounds().Dy())
	part := image.NewPaletted(area, frequent(decoded, area))
	draw.Draw(part, area, decoded, image.Point{}, draw.Src)
	var b bytes.Buffer
	if err := png.Encode(&b, part); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func frequent(picture image.Image, area image.Rectangle) color.Palette {
	pixels := map[color.RGBA]int{}
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			pixels[color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(pixels), func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(pixels[b], pixels[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	palette := color.Palette{}
	for _, c := range colours[:min(256, len(colours))] {
		palette = append(palette, c)
	}
	return palette
}

func (p *photographer) write(name string, picture []byte) error {
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return err
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, decoded); err != nil {
		return err
	}
	path := filepath.Join(p.dir, name+".png")
	fmt.Fprintf(p.out, "%s  %d KB\n", path, small.Len()/1000)
	return os.WriteFile(path, small.Bytes(), 0o644)
}

func waitUntil(ctx context.Context, expression string) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if err == nil && ok {
			return nil
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.New("it took more than a minute until " + expression)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
