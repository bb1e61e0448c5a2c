"""How pictures look, and the tables they stand in. The colours are variables of the page's style. Pure."""

from __future__ import annotations

PICTURES = """
i{display:inline-block;width:.8rem;height:.8rem;margin-right:.45rem;border-radius:2px;vertical-align:-.08rem;
 background-color:var(--c);print-color-adjust:exact;-webkit-print-color-adjust:exact}
.hatched{background-image:repeating-linear-gradient(135deg,transparent 0 2px,var(--paper) 2px 3.5px)}
svg{display:block;overflow:visible;width:100%}
.defs{position:absolute;width:0}
.stack{border-radius:3px}
.stack rect{stroke:var(--paper);stroke-width:1}
.overview .stack{margin-top:.3rem}
.overview .stack rect{stroke-width:.5}
rect{fill:var(--c)}
.stack .hatch{fill:url(#hatch);stroke:none;pointer-events:none}
.stripe{fill:var(--paper);opacity:.6}
.stack .back{fill:none;stroke:var(--c);stroke-width:2;stroke-dasharray:3 2}
.trace{stroke:var(--rest);stroke-width:2.5}
.terms :is(td,th){overflow-wrap:normal}
@media (min-width:40rem){.terms th[scope=row]{white-space:nowrap}}
.terms :is(td,th):nth-child(4){padding-left:1rem}
.terms th[scope=row]{padding-left:1.25rem;text-indent:-1.25rem}
.scroll .compared :is(td,th):not(.n){white-space:normal;min-width:6.5rem}
.scroll .compared :is(td,th).drawn:not(.n){width:32%;min-width:min(13rem,34vw);color:var(--dim)}
.compared .drawn svg{margin:0 .6rem 0 .3rem;width:calc(100% - .9rem)}
.inner{fill:var(--anon);opacity:.25}
.value{fill:var(--anon);opacity:.75}
.median{stroke:var(--ink);stroke-width:2.5}
.single{fill:var(--anon);opacity:.3}
.middle{fill:var(--anon);stroke:var(--paper)}
.ring{fill:var(--paper);stroke:var(--anon);stroke-width:2.5}
.change rect{y:5px;height:12px}
.nought{stroke:var(--rung);stroke-width:1}
.change .less{fill:var(--anon)}
.change .more{fill:var(--gone)}
.folded{border-top:1px solid var(--line)}
.folded>summary{padding:.35rem 0}
.folded>summary h2{display:inline;font-size:1.05rem}
.whisker line{stroke:var(--ink);stroke-width:1.5}
.ladder th:first-child{width:46%}
.ladder th:nth-child(2){width:7.5rem}
.ladder b{display:inline-block;width:1.4rem;text-align:left;padding-left:.35rem;color:var(--dim);
 font-weight:400}
.ladder tr.rung>*{font-weight:600}
.ladder tr:not(.rung) th[scope=row]{padding-left:1rem}
.ladder td:nth-child(2){padding-right:2rem}
.ladder td:nth-child(2):has(b){padding-right:.6rem}
.ladder .open{color:var(--warn)}
.ladder td:last-child{position:relative}
.ladder tbody td,.ladder tbody th{border-bottom-color:transparent}
.ladder tbody .rung>*{border-top:1px solid var(--line)}
.ladder svg{position:absolute;inset:0;width:100%;height:100%}
.ladder svg rect{y:6px;height:12px;stroke:var(--c);stroke-width:1}
.ladder svg .rung{fill:var(--rung);stroke:none}
.ladder svg .level{y:12px;width:1px;height:100%;fill:var(--rung);stroke:none}
"""
