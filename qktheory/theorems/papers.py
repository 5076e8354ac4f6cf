"""The papers around self-attention: how each is cited, and what of it no computation can check.

The claims of a paper name it as their source; a paper without a claim is listed all the same, with
the reason. `qktheory claims --papers` reads both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qktheory.theorems.claim import Claim, Source

__all__ = ["PAPERS", "Paper", "by_paper", "cite"]


@dataclass(frozen=True)
class Paper:
    """A paper of the literature on attention.

    Parameters
    ----------
    authors, title : str
        As cited.
    year : int
        Year of publication.
    arxiv : str
        arXiv id, empty if there is none.
    unchecked : str, optional
        What it states that is no checkable claim of the catalogue, and why; empty if nothing.
    """

    authors: str
    year: int
    title: str
    arxiv: str = ""
    unchecked: str = ""

    def source(self, statement: str) -> Source:
        """Return the paper as the source of a statement."""
        return Source(self.authors, self.year, self.title, statement, self.arxiv)

    def __str__(self) -> str:
        cited = f"{self.authors} ({self.year}): {self.title}"
        return f"{cited}, arXiv:{self.arxiv}" if self.arxiv else cited


#: Papers by first author and year. A plain table: claims cite it while they are being imported.
PAPERS: dict[str, Paper] = {}


def cite(name: str, statement: str) -> Source:
    """Return a paper of the list as the source of a statement.

    Parameters
    ----------
    name : str
        First author and year, for example ``"noci2023"``.
    statement : str
        Theorem or equation, or what part the statement extends.

    Returns
    -------
    Source

    Examples
    --------
    >>> str(cite("trockman2023", "edges of the spectrum"))
    'Trockman, Kolter (2023), edges of the spectrum, arXiv:2305.09828'
    """
    return PAPERS[name].source(statement)


def by_paper(claims: Iterable[Claim]) -> list[tuple[Paper, list[Claim]]]:
    """Return the papers that claims come from, each with its claims, then those without any.

    Parameters
    ----------
    claims : iterable of Claim
        Each comes up exactly once, under the paper of its source.

    Returns
    -------
    list of (Paper, list of Claim)
        Papers in the order of their first claim; papers of the list without a claim last.

    Examples
    --------
    >>> papers = by_paper([])
    >>> [paper.arxiv for paper, _ in papers if "engineering" in paper.unchecked]
    ['2205.07100']
    """
    listed = {paper.arxiv: paper for paper in PAPERS.values()}
    groups: dict[tuple[str, int, str], tuple[Paper, list[Claim]]] = {}
    for claim in claims:
        s = claim.source
        paper = listed.get(s.arxiv) if s.arxiv else None
        paper = paper or Paper(s.authors, s.year, s.title, s.arxiv)
        groups.setdefault((paper.authors, paper.year, paper.title), (paper, []))[1].append(claim)
    found = list(groups.values())
    cited = {id(paper) for paper, _ in found}
    return found + [(paper, []) for paper in PAPERS.values() if id(paper) not in cited]


def _paper(
    name: str, authors: str, year: int, title: str, arxiv: str = "", unchecked: str = ""
) -> None:
    PAPERS[name] = Paper(authors, year, title, arxiv, unchecked)


# --- random features, rank ------------------------------------------------------------------------

_paper(
    "fu2023",
    "Fu, Guo, Bai, Mei",
    2023,
    "What can a single attention layer learn? A study through the random features lens",
    "2307.11353",
    "excess-risk rates are sample-complexity orders with unspecified constants; the kernel that "
    "they are about is ZOO-FU-1",
)
_paper(
    "amsel2024",
    "Amsel, Yehudai, Bruna",
    2024,
    "On the benefits of rank in attention layers",
    "2407.16153",
    "the exponential lower bound on the number of low-rank heads is on all of them at once; its "
    "finite shadow, a floor for symmetric heads of rank one, is ZOO-RANK-3",
)

# --- network identities ---------------------------------------------------------------------------

_paper(
    "abnar2020",
    "Abnar, Zuidema",
    2020,
    "Quantifying attention flow in transformers",
    "2005.00928",
    "attention flow (a maximum flow) is a heuristic for reading models: it claims no number",
)
_paper(
    "chefer2021",
    "Chefer, Gur, Wolf",
    2021,
    "Generic attention-model explainability for interpreting bi-modal and encoder-decoder "
    "transformers",
    "2103.15679",
    "how faithful the relevance maps are is measured on trained models",
)
_paper(
    "atad2026",
    "Atad, Zimerman, Katz, Wolf",
    2026,
    "TensorLens: end-to-end transformer analysis via high-order attention tensors",
    "2601.17958",
    "the usefulness of the tensor for interpretation is measured on trained models",
)
_paper(
    "nguyen2026",
    "Nguyen, Pham, Cao, Dinh, Nguyen, Ho, Rinaldo",
    2026,
    "A statistical theory of gated attention through the lens of hierarchical mixture of experts",
    "2602.01468",
    "sample-complexity rates (exponential against polynomial) are asymptotic orders without "
    "constants; their algebra, identifiability, is ZOO-HMOE-2",
)
_paper(
    "hu2025",
    "Hu, Liu, Chen, Wu, Liu",
    2025,
    "Universal approximation with softmax attention",
    "2504.15956",
    "existence of approximating networks is not a number; its interpolation scheme is",
)
_paper(
    "liao2026",
    "Liao, Wu, Lu, Ye, He",
    2026,
    "A provable expressiveness hierarchy in hybrid linear-full attention",
    "2602.01763",
    "the separation of L + 1 full layers from L - 1 full and 2^(3 L^2) linear ones is a "
    "communication lower bound: no simulation can check that no network does it",
)
_paper(
    "sun2026",
    "Sun, Canziani, LeCun, Zhu",
    2026,
    "The spike, the sparse and the sink: anatomy of massive activations and attention sinks",
    "2603.05498",
    "the causes of spikes and sinks are found by ablation of trained models",
)
_paper(
    "chen2024",
    "Chen, Sheen, Wang, Yang",
    2024,
    "Unveiling induction heads: provable training dynamics and feature learning in transformers",
    "2409.10559",
    "the three stages of gradient flow are statements on training dynamics with unspecified "
    "constants; the model in the limit is ZOO-GIH-1",
)
_paper(
    "sahiner2022",
    "Sahiner, Ergen, Ozturkler, Pauly, Mardani, Pilanci",
    2022,
    "Unraveling attention via convex duality: analysis and interpretations of vision transformers",
    "2205.08078",
    "gated ReLU heads have a convex program of exponential size",
)
_paper(
    "li2025",
    "Li, Tarzanagh, Rawat, Fazel, Oymak",
    2025,
    "Gating is weighting: understanding gated linear attention through in-context learning",
    "2504.04308",
    "uniqueness of the minimum of the training landscape is not judged",
)

# --- optimisation and dynamics --------------------------------------------------------------------

_paper(
    "tarzanagh2023",
    "Tarzanagh, Li, Thrampoulidis, Oymak",
    2023,
    "Transformers as support vector machines",
    "2308.16898",
    "convergence from every initialisation is a statement on all trajectories; single ones are "
    "judged",
)
_paper(
    "julistiono2024",
    "Julistiono, Tarzanagh, Azizan",
    2024,
    "Optimizing attention with mirror descent: generalized max-margin token selection",
    "2410.14581",
    "rates of mirror descent have unspecified constants; the direction is ZOO-SVM-2",
)
_paper(
    "tomihari2025",
    "Tomihari, Sato",
    2025,
    "Understanding why Adam outperforms SGD: gradient heterogeneity in transformers",
    "2502.00213",
    "iteration-complexity bounds of SGD and sign descent compare upper bounds, not algorithms",
)
_paper(
    "yao2024",
    "Yao, Qian, Hu, Xu, Liu, Liu",
    2024,
    "Theoretical insights into fine-tuning attention mechanism: generalization and optimization",
    "2410.02247",
    "the generalisation bound is information-theoretic: an order, without a number to compare",
)
_paper(
    "geshkovski2023",
    "Geshkovski, Letrouit, Polyanskiy, Rigollet",
    2023,
    "A mathematical perspective on transformers",
    "2312.10794",
    "clustering from almost every initial position is a statement on an infinite time",
)
_paper(
    "cowsik2024",
    "Cowsik, Nebabu, Qi, Ganguli",
    2024,
    "Geometric dynamics of signal propagation predict trainability of transformers",
    "2403.02579",
    "that the exponents predict trained test loss is an experiment on trained models",
)
_paper(
    "castin2024",
    "Castin, Ablin, Peyre",
    2024,
    "How smooth is attention?",
    "2312.14820",
    "the mean-field bound is over all probability measures on a ball",
)
_paper(
    "kim2021",
    "Kim, Papamakarios, Mnih",
    2021,
    "The Lipschitz constant of self-attention",
    "2006.04710",
)
_paper(
    "noci2023",
    "Noci, Li, Li, He, Hofmann, Maddison, Roy",
    2023,
    "The shaped transformer: attention models in the infinite depth-and-width limit",
    "2306.17759",
    "the covariance SDE is a limit of depth and width together",
)
_paper(
    "trockman2023",
    "Trockman, Kolter",
    2023,
    "Mimetic initialization of self-attention layers",
    "2305.09828",
    "gains in accuracy are measured on trained models",
)
_paper(
    "hron2020",
    "Hron, Bahri, Sohl-Dickstein, Novak",
    2020,
    "Infinite attention: NNGP and NTK for deep attention networks",
    "2006.10540",
    "the tangent kernel is about training in the limit of infinite width",
)
_paper(
    "yang2022",
    "Yang, Hu, Babuschkin, Sidor, Liu, Farhi, Ryder, Pachocki, Chen, Gao",
    2022,
    "Tensor programs V: tuning large neural networks via zero-shot hyperparameter transfer",
    "2203.03466",
    "transfer of hyperparameters is measured on trained models",
)
_paper(
    "sant2022",
    "Sant, Gallego, Alastruey, Costa-jussa",
    2022,
    "Multiformer: a head-configurable transformer-based model for direct speech translation",
    "2205.07100",
    "an engineering paper: translation scores of a trained model, no claim",
)
