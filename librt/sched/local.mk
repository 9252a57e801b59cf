librt_sched_sources +=
