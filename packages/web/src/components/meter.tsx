import { useFormat } from '../util/use-format.ts';

export interface MeterProps {
  readonly label: string;
  /** Share in use, 0..1; more counts as all. Undefined when not known. */
  readonly share: number | undefined;
  /** What stands beside the bar, such as `1.2 GiB / 4 GiB`. */
  readonly detail?: string;
  /** From which share on it is a matter of concern; undefined: never (a busy CPU is no fault). */
  readonly warnAt?: number;
}

/** A use bar with its figures in text; the bar alone never carries the information. */
export function Meter({ label, share, detail, warnAt }: MeterProps) {
  const format = useFormat();
  const percent = share === undefined ? undefined : Math.round(Math.min(1, Math.max(0, share)) * 100);
  const high = share !== undefined && warnAt !== undefined && share >= warnAt;
  return (
    <div className="ry-meter">
      <div className="ry-meter-line">
        <span className="ry-meter-label">{label}</span>
        <span className="ry-meter-value">
          {share === undefined ? '–' : format.percent(Math.min(1, share))}
        </span>
      </div>
      <div
        className={high ? 'ry-meter-bar ry-meter-high' : 'ry-meter-bar'}
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent ?? 0}
      >
        <div style={{ inlineSize: `${percent ?? 0}%` }} />
      </div>
      {detail === undefined ? null : <div className="ry-meter-detail">{detail}</div>}
    </div>
  );
}

/** The small form for table cells: number and bar on one line. */
export function UseCell({ share, label }: { share: number | undefined; label: string }) {
  const format = useFormat();
  if (share === undefined) return <span className="ry-subtle">–</span>;
  const percent = Math.round(Math.min(1, Math.max(0, share)) * 100);
  return (
    <span className="ry-use-cell">
      <span className="ry-number">{format.percent(Math.min(1, share))}</span>
      <span
        className="ry-meter-bar"
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
      >
        <span style={{ inlineSize: `${percent}%` }} />
      </span>
    </span>
  );
}
