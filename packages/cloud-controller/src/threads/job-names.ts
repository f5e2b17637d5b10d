/** What the reactor asks of a job thread. */
export type JobName = 'run-due-jobs' | 'reconcile' | 'clean-up' | 'staging-reply' | 'droplet-exited'
