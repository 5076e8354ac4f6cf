"""Rollout and relevance of attention: Abnar and Zuidema (2020), Chefer et al. (2021)."""
