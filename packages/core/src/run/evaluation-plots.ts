import type { Evaluation } from '../evaluate/index.ts';
import { type AttemptOptions, attempt } from './attempt.ts';
import { confusionSvg, mostPlotted } from './confusion-plot.ts';
import { reliabilitySvg } from './reliability-plot.ts';

/**
 * How the plots of a classification are drawn, each as an SVG document; the confusion matrix of too
 * many classes is left out.
 */
export function evaluationPlots(
  { confusion, metrics, ...evaluation }: Evaluation,
  classes: readonly string[],
) {
  const { calibrationError, uncalibrated, temperature } = metrics;
  const calibrated = { bins: evaluation.reliability, error: calibrationError };
  const before = {
    bins: evaluation.uncalibratedReliability,
    error: uncalibrated.calibrationError,
  };
  return {
    confusion: classes.length > mostPlotted ? undefined : () => confusionSvg(confusion, classes),
    reliability: () => reliabilitySvg(calibrated, temperature === 1 ? undefined : before),
  };
}

/**
 * Draws plots, one after another. One that fails is undefined, with a warning.
 *
 * @throws `signal.reason` where aborted
 */
export async function drawPlots<Name extends string>(
  plots: Readonly<Record<Name, (() => Promise<string>) | undefined>>,
  options: AttemptOptions,
): Promise<Record<Name, string | undefined>> {
  const drawn: Partial<Record<Name, string | undefined>> = {};
  for (const name of Object.keys(plots) as Name[]) {
    const draw = plots[name];
    drawn[name] = draw && (await attempt(`The ${name} plot`, draw, options));
  }
  return drawn as Record<Name, string | undefined>;
}
