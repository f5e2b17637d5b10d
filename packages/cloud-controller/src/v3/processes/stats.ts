import { z } from 'zod'
import type { Row } from '../../db/schema.ts'
import type { InstanceReport } from '../../dea/instance-reports.ts'
import { whole } from '../kit/answer-fields.ts'

type Process = Pick<Row<'processes'>, 'type' | 'memory_in_mb' | 'disk_in_mb' | 'log_rate_limit_in_bytes_per_second'>

const Usage = z.object({
  time: z.string().optional(),
  cpu: z.number().optional(),
  cpu_entitlement: z.number().nullish(),
  mem: z.number().optional(),
  disk: z.number().optional(),
  log_rate: z.number().optional(),
})

const InstancePort = z.object({
  external: whole,
  internal: whole,
  external_tls_proxy_port: whole.nullable(),
  internal_tls_proxy_port: whole.nullable(),
})

/** What is not there of an instance that is DOWN is optional. */
export const ProcessStats = z.object({
  resources: z.array(
    z.object({
      type: z.string(),
      index: whole,
      instance_guid: z.string().nullish(),
      state: z.enum(['RUNNING', 'STARTING', 'CRASHED', 'DOWN']),
      routable: z.boolean().nullable(),
      host: z.string().optional(),
      instance_internal_ip: z.string().optional(),
      uptime: whole,
      mem_quota: z.number().optional(),
      disk_quota: z.number().optional(),
      log_rate_limit: z.number().optional(),
      fds_quota: z.number().optional(),
      isolation_segment: z.string().nullable(),
      details: z.string().nullable(),
      instance_ports: z.array(InstancePort).optional(),
      usage: Usage.optional(),
    }),
  ),
})

const bytesPerMb = 1024 * 1024

/** One instance as `stats` shows it (cloud_controller_ng app/presenters/v3/process_stats_presenter.rb). */
export function presentedInstance(process: Process, fileDescriptors: number, report: InstanceReport) {
  const { index, state, uptime, reply } = report
  const details = reply?.details ?? null
  if (state === 'DOWN')
    return { type: process.type, index, state, routable: null, uptime, isolation_segment: null, details }
  const stats = reply?.stats
  return {
    type: process.type,
    index,
    instance_guid: report.guid,
    state,
    routable: state === 'RUNNING',
    host: stats?.host ?? '',
    instance_internal_ip: stats?.host ?? '',
    uptime,
    mem_quota: stats?.mem_quota ?? process.memory_in_mb * bytesPerMb,
    disk_quota: stats?.disk_quota ?? process.disk_in_mb * bytesPerMb,
    log_rate_limit: process.log_rate_limit_in_bytes_per_second,
    fds_quota: stats?.fds_quota ?? fileDescriptors,
    isolation_segment: null,
    details,
    // Instances listen on a port of their DEA, without a container's own port or a TLS proxy in between.
    instance_ports: stats
      ? [{ external: stats.port, internal: stats.port, external_tls_proxy_port: null, internal_tls_proxy_port: null }]
      : [],
    usage: stats ? presentedUsage(stats.usage) : {},
  }
}

type ReportedUsage = NonNullable<NonNullable<InstanceReport['reply']>['stats']>['usage']

function presentedUsage({ time, cpu, cpu_entitlement, mem, disk, log_rate }: ReportedUsage) {
  return { time, cpu, cpu_entitlement: cpu_entitlement ?? null, mem, disk, log_rate }
}
