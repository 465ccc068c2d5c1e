"""The task group at scale: ``make scale`` runs it under CeleryExecutor while parts of the deployment are killed."""
