librt_pthread_sources +=
