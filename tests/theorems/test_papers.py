"""One home for every paper: what is cited, what is listed without a claim, and why."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import pytest

import qktheory as qk
from qktheory.theorems.claim import CLAIMS, Source
from qktheory.theorems.papers import PAPERS, by_paper, cite

#: Papers of the literature on attention that state nothing a computation could check.
WITHOUT_A_CLAIM = {
    *("yao2024", "sant2022", "vaswani2017", "katharopoulos2020", "olsson2022", "xiao2023"),
    *("sun2024", "geshkovski2023b", "boix-adsera2023", "tian2023", "he2023"),
}


@pytest.mark.parametrize("name", sorted(PAPERS))
def test_a_paper_is_complete_enough_for_a_bibliography(name: str) -> None:
    paper = PAPERS[name]
    assert paper.authors
    assert paper.title
    assert paper.arxiv or paper.venue
    assert re.fullmatch(r"(\d{4}\.\d{4,5}|[a-z-]+/\d{7})?", paper.arxiv)
    first = unicodedata.normalize("NFKD", paper.authors.split(",")[0])
    key = re.sub(r"[^a-z-]", "", first.lower()) + str(paper.year)
    assert re.fullmatch(re.escape(key) + "[a-z]?", name)


def test_no_paper_is_listed_twice() -> None:
    titles = [paper.title.lower() for paper in PAPERS.values()]
    ids = [paper.arxiv for paper in PAPERS.values() if paper.arxiv]
    assert len(set(titles)) == len(titles)
    assert len(set(ids)) == len(ids)


def test_every_claim_of_the_catalogue_cites_the_list() -> None:
    known = {(p.authors, p.year, p.title, p.arxiv) for p in PAPERS.values()}
    for claim in qk.claims():
        s = claim.source
        assert (s.authors, s.year, s.title, s.arxiv) in known, claim.id


def test_papers_without_a_claim_say_why() -> None:
    groups = by_paper(qk.claims())
    assert sum(len(claims) for _, claims in groups) == len(list(qk.claims()))
    names = {paper: name for name, paper in PAPERS.items()}
    without = {names[paper] for paper, claims in groups if not claims}
    assert without == WITHOUT_A_CLAIM
    assert all(PAPERS[name].unchecked for name in without)


def test_reasons_name_claims_that_exist() -> None:
    text = " ".join(paper.unchecked for paper in PAPERS.values())
    ids = re.findall(r"\b(?:ZOO|LOC|ENT|RANK|RMT|SPEC)-[A-Z0-9-]+[a-z]?\b", text)
    assert len(ids) >= 7
    for name in ids:
        assert any(claim.rstrip("abcdefgh") == name.rstrip("abcdefgh") for claim in CLAIMS), name


def test_a_file_of_your_own_brings_its_own_source() -> None:
    claim = qk.claims()[0]
    mine = replace(claim, id="MINE-1", source=Source("Me", 2026, "My paper"))
    known = replace(claim, id="MINE-2", source=Source("Bao et al.", 2024, "?", "", "2402.02098"))
    groups = dict(by_paper([mine, known]))
    (own,) = (paper for paper, claims in groups.items() if claims == [mine])
    assert (own.authors, own.year, own.title) == ("Me", 2026, "My paper")
    assert groups[PAPERS["bao2024"]] == [known]


def test_an_unlisted_paper_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="noci2023"):
        cite("nocci2023", "a theorem")
