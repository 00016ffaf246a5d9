import type { Evaluation } from '../evaluate/index.ts';
import { confusionSvg } from './confusion-plot.ts';
import { reliabilitySvg } from './reliability-plot.ts';
import type { ReportContents } from './report/report.ts';

/** The plots of a classification, as SVG documents. */
export async function evaluationPlots(
  { confusion, metrics, ...evaluation }: Evaluation,
  classes: readonly string[],
): Promise<Omit<ReportContents['plots'], 'curves'>> {
  const { calibrationError, uncalibrated, temperature } = metrics;
  const calibrated = { bins: evaluation.reliability, error: calibrationError };
  const before = {
    bins: evaluation.uncalibratedReliability,
    error: uncalibrated.calibrationError,
  };
  return {
    confusion: await confusionSvg(confusion, classes),
    reliability: await reliabilitySvg(calibrated, temperature === 1 ? undefined : before),
  };
}
