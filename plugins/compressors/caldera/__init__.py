"""CALDERA: W ≈ Q + L·R, calibrated; Q by LDLQ, L·R by Hessian-weighted low-rank regression, alternating."""
