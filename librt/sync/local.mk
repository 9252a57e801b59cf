librt_sync_sources +=
