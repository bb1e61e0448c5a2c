"""The page's only style, for paper and screens, light and dark, narrow and wide; nothing from outside."""

from __future__ import annotations

from collections.abc import Mapping

from memcollect.reporters.html.colours import PALETTE
from memcollect.reporters.html.style_pictures import PICTURES

PAPER = {
    "paper": "#fff",
    "ink": "#1b1f24",
    "dim": "#57606a",
    "line": "#d0d7de",
    "soft": "#f6f8fa",
    "rung": "#8c959f",
    "link": "#0550ae",
    "bad": "#a40e26",
    "badly": "#ffebe9",
    "warn": "#7d4e00",
}
SCREEN = {
    "paper": "#0d1117",
    "ink": "#e6edf3",
    "dim": "#9aa4af",
    "line": "#30363d",
    "soft": "#161b22",
    "rung": "#6e7781",
    "link": "#79b8ff",
    "bad": "#ff8a80",
    "badly": "#3b1316",
    "warn": "#e3b341",
}
"""The same where a dark screen is preferred."""

RULES = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:1rem clamp(.75rem,3vw,2.5rem) 3rem;max-width:76rem;background:var(--paper);
 color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.7rem;line-height:1.25;margin:.5rem 0 1rem}
h2{font-size:1.25rem;line-height:1.3;margin:2.5rem 0 .6rem}
h3{font-size:1rem;margin:1.6rem 0 .5rem}
h2 span{color:var(--dim);font-weight:400;white-space:nowrap;margin-left:.4rem}
p{margin:.4rem 0;max-width:62rem}
code{font:.92em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;unicode-bidi:isolate}
a{color:var(--link);text-decoration-thickness:1px}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:2px solid var(--link);outline-offset:2px}
small{display:block;font-size:.8rem;line-height:1.35;color:var(--dim);font-weight:400}
.dim{color:var(--dim);font-size:.875rem}
.bad,.bad small{color:var(--bad)}
.verdict{font-size:1.15rem;font-weight:600;line-height:1.4}
dl{display:flex;flex-wrap:wrap;gap:.75rem 2rem;margin:0;
 padding:.9rem 1rem;background:var(--soft);border:1px solid var(--line);border-radius:8px}
dl div{flex:1 1 11rem}
dt{font-size:.8rem;color:var(--dim)}
dd{margin:0;font-weight:600}
ul{margin:.4rem 0;padding-left:1.2rem}
li{margin:.3rem 0}
.missing{margin:1.5rem 0;padding:.2rem 1rem .8rem;background:var(--badly);border:2px solid var(--bad);
 border-radius:8px}
.missing h2{margin:.8rem 0 .4rem;color:var(--bad)}
.pod{margin:2.5rem 0 0;padding-top:.1rem;border-top:2px solid var(--line)}
.pod h2{margin-top:1.2rem}
details.pod{margin:0;padding:0;border-top:1px solid var(--line)}
details.pod>summary{padding:.35rem 0}
details.pod>summary h2{display:inline;font-size:1rem}
details.pod>div{padding:0 0 1.5rem 1rem;scroll-margin-top:3rem}
summary{cursor:pointer}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.9rem;margin:.6rem 0}
th,td{padding:.28rem .6rem .28rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);
 font-weight:400}
thead th{font-size:.8rem;color:var(--dim);vertical-align:bottom;border-bottom:2px solid var(--line)}
td:last-child,th:last-child{padding-right:0}
.n,.ladder :is(td,th):nth-child(2),.terms :is(td,th):is(:nth-child(2),:nth-child(3)){
 text-align:right;white-space:nowrap}
td small{white-space:normal}
.scroll{overflow-x:auto;background:linear-gradient(90deg,var(--paper) 40%,transparent) 0/2.5rem 100% local,
 linear-gradient(270deg,var(--paper) 40%,transparent) 100%/2.5rem 100% local,
 linear-gradient(90deg,var(--line),transparent) 0/.8rem 100%,
 linear-gradient(270deg,var(--line),transparent) 100%/.8rem 100%;background-repeat:no-repeat}
.scroll th,.scroll td{white-space:nowrap}
.scroll th.named{min-width:min(15rem,52vw);white-space:normal;width:40%}
.scroll .command{white-space:normal;min-width:14rem}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1rem;padding:0;font-size:.85rem}
.legend li{margin:0}
.findings{list-style:none;padding:0}
.findings li{padding:.1rem 0 .1rem .8rem;border-left:4px solid var(--line);margin:.7rem 0;max-width:62rem}
.findings b{font-size:.8rem;color:var(--dim)}
.findings .warning,.findings .critical{border-color:var(--bad)}
.findings .warning b,.findings .critical b{color:var(--bad)}
.findings .notice{border-color:var(--anon)}
.remedy{display:block}
footer{margin-top:3rem;color:var(--dim);font-size:.8rem}
"""
FOR_NARROW_AND_PAPER = """
@media (max-width:40rem){
 body{font-size:15px}
 table{font-size:.82rem}
 small{font-size:.74rem}
 .ladder th:nth-child(2){width:5.6rem}
 .ladder b{width:1.1rem;padding-left:.2rem}
 .ladder td:nth-child(2){padding-right:1.7rem}
 .terms :is(td,th){padding-right:.4rem}
 .terms :is(td,th):nth-child(4){padding-left:.2rem}
}
@media print{
 body{max-width:none;padding:0;font-size:10.5pt}
 details::details-content{content-visibility:visible;display:block;height:auto}
 .scroll{overflow:visible}
 tr,li,svg{break-inside:avoid}
 h2,h3,thead{break-after:avoid}
 a{color:inherit;text-decoration:none}
}
"""


def _variables(own: Mapping[str, str], colours: Mapping[str, str]) -> str:
    return ";".join(f"--{name}:{value}" for name, value in {**own, **colours}.items())


def _style() -> str:
    light = _variables(PAPER, {name: each.light for name, each in PALETTE.items()})
    dark = _variables(SCREEN, {name: each.dark for name, each in PALETTE.items()})
    carriers = "\n".join(f".{name}{{--c:var(--{name})}}" for name in PALETTE)
    return (
        f":root{{color-scheme:light dark;{light}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
        f"{carriers}{RULES}{PICTURES}{FOR_NARROW_AND_PAPER}"
    )


STYLE = _style()
